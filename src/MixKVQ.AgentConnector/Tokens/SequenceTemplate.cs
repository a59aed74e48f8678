namespace MixKVQ.AgentConnector.Tokens;

/// <summary>The ids that go before and after a text's own, such as the token of the beginning.</summary>
internal sealed record SequenceTemplate(IReadOnlyList<int> Prefix, IReadOnlyList<int> Suffix)
{
    public static SequenceTemplate Empty { get; } = new([], []);

    /// <summary>This template applied around what an inner one gives.</summary>
    public SequenceTemplate Around(SequenceTemplate inner) => new([.. Prefix, .. inner.Prefix], [.. inner.Suffix, .. Suffix]);
}
