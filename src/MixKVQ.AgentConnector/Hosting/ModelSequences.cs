using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>Makes a decoder's sequences.</summary>
/// <param name="model">Borrowed.</param>
/// <param name="caches">Borrowed.</param>
/// <param name="vocabularySize">The tokenizer's.</param>
/// <param name="signature">What saved sequences must have in common with the model.</param>
internal sealed class ModelSequences(DecoderModel model, KvCacheFactory caches, int vocabularySize, ModelSignature signature) : ISequenceFactory
{
    private readonly DecoderBatch _batch = new(model);

    /// <inheritdoc/>
    public ModelSignature Signature => signature;

    /// <inheritdoc/>
    public long HeldBytes => caches.HeldBytes;

    /// <inheritdoc/>
    public DeviceMemory? DeviceMemory => caches.DeviceMemory;

    /// <inheritdoc/>
    public void Trim() => caches.Pool.Trim();

    /// <inheritdoc/>
    public IConversationSequence Create() => new ModelSequence(model, caches.Create(), vocabularySize, _batch);

    /// <inheritdoc/>
    public long BytesToHold(int sharedTokens, int tokens) => caches.BytesToHold(sharedTokens, tokens);

    /// <inheritdoc/>
    public Page ReadPage(ReadOnlySpan<byte> slab) => caches.ReadPage(slab);

    /// <inheritdoc/>
    public IConversationSequence Import(CacheImage image) => new ModelSequence(model, caches.Import(image), vocabularySize, _batch);
}
