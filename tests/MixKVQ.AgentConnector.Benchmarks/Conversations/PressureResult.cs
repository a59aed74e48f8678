namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>What many conversations in one memory did.</summary>
/// <param name="Texts">What was answered, turn by turn of each conversation.</param>
/// <param name="OneByOne">How long the rounds took in which conversations took turns one after another.</param>
/// <param name="AtOnce">How long the last round took, in which all asked at once.</param>
/// <param name="PrefilledTokens">Tokens of all prompts that were read.</param>
/// <param name="HeldBytes">What the caches held in the end.</param>
/// <param name="PeakBytes">The most that they held at any step.</param>
/// <param name="Evictions">How often a cache left memory.</param>
/// <param name="RestoreMilliseconds">How long each return from disk took.</param>
internal sealed record PressureResult(
    IReadOnlyList<string> Texts, TimeSpan OneByOne, TimeSpan AtOnce, long PrefilledTokens, long HeldBytes, long PeakBytes, int Evictions, IReadOnlyCollection<double> RestoreMilliseconds);
