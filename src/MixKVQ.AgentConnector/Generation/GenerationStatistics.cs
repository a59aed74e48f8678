namespace MixKVQ.AgentConnector.Generation;

/// <summary>What a generation has done so far.</summary>
/// <param name="PrefilledTokenCount">Tokens read in chunks: the prompt without what the sequence held before, and what was read again after a step that failed.</param>
/// <param name="GeneratedTokenCount">Tokens generated, an end token among them. The first comes from the prefill, each other from one decode step.</param>
/// <param name="PrefillTime">Time in prefill steps alone, without waiting for other generations or for the consumer.</param>
/// <param name="DecodeTime">Time in decode steps alone.</param>
internal readonly record struct GenerationStatistics(int PrefilledTokenCount, int GeneratedTokenCount, TimeSpan PrefillTime, TimeSpan DecodeTime)
{
    /// <summary>Decode steps a second of <see cref="DecodeTime"/>; 0 before the first.</summary>
    public double DecodedTokensPerSecond => DecodeTime > TimeSpan.Zero ? (GeneratedTokenCount - 1) / DecodeTime.TotalSeconds : 0;
}
