namespace MixKVQ.AgentConnector.Tokens.Normalization;

/// <summary>Applies normalizers one after another.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<ITextNormalizer> stages) : ITextNormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text) => stages.Aggregate(text, (current, stage) => stage.Normalize(current));
}
