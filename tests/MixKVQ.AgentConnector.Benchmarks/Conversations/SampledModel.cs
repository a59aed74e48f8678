using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>A model whose caches are weighed at every step.</summary>
/// <param name="model">The model, taken over.</param>
/// <param name="peak">Weighs them.</param>
internal sealed class SampledModel(IChatModel model, PeakBytes peak) : IChatModel
{
    /// <inheritdoc/>
    public ModelTokenizer Tokenizer => model.Tokenizer;

    /// <inheritdoc/>
    public ChatTemplate Template => model.Template;

    /// <inheritdoc/>
    public int ContextLength => model.ContextLength;

    /// <inheritdoc/>
    public IReadOnlyCollection<int> EndTokens => model.EndTokens;

    /// <inheritdoc/>
    public GenerationDefaults GenerationDefaults => model.GenerationDefaults;

    /// <inheritdoc/>
    public ISequenceFactory Sequences { get; } = new SampledSequences(model.Sequences, peak);

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();
}
