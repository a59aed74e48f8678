namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>The sampling settings that generation_config.json recommends; null where it is silent.</summary>
/// <param name="Temperature">Zero (greedy) when the file says <c>do_sample: false</c>, one when it says true and no more.</param>
/// <param name="TopK">Zero means all tokens.</param>
/// <param name="TopP">In (0, 1].</param>
/// <param name="MinP">In [0, 1].</param>
/// <param name="RepetitionPenalty">Greater than zero; 1 changes nothing.</param>
internal sealed record GenerationDefaults(float? Temperature, int? TopK, float? TopP, float? MinP, float? RepetitionPenalty);
