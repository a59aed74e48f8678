using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Generation;

/// <summary>A conversation's cache as a decoder fills it.</summary>
/// <param name="model">Borrowed; of the geometry the cache was made for.</param>
/// <param name="cache">Borrowed and appended to.</param>
/// <param name="vocabularySize">
/// How many ids mean something, at most the model's: models pad their vocabulary, and padding is never to be sampled. Null: all.
/// </param>
/// <param name="batch">The model's, borrowed; null where the sequence is to be read alone.</param>
internal class DecoderSequence(DecoderModel model, KvCache cache, int? vocabularySize = null, DecoderBatch? batch = null) : IModelSequence
{
    /// <summary>The conversation's cache.</summary>
    public KvCache Cache => cache;

    /// <inheritdoc/>
    public ISequenceBatch? Batch => batch;

    public int VocabularySize => vocabularySize ?? model.Config.VocabularySize;

    public int TokenCount => cache.TokenCount;

    public int TokensToPageBorder => cache.TokensToPageBorder;

    /// <inheritdoc/>
    public unsafe void Append(ReadOnlyMemory<int> tokens, Span<float> lastLogits)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = model.Forward(new ForwardStep(tokens, cache));
        if (!lastLogits.IsEmpty)
        {
            Tensor row = logits.cpu().contiguous();
            new ReadOnlySpan<float>((void*)TensorMemory.DataPointer(row), VocabularySize).CopyTo(lastLogits);
            GC.KeepAlive(row);
        }
    }

    /// <inheritdoc/>
    public int AbandonStep(int maxTokens) => cache.AbandonStep(maxTokens);
}
