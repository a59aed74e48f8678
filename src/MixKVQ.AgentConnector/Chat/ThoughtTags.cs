namespace MixKVQ.AgentConnector.Chat;

/// <summary>The tags around a thought, the same in all models that are read here (DeepSeek-R1, Qwen3 and their like).</summary>
internal static class ThoughtTags
{
    /// <summary>Opens a thought.</summary>
    public const string Open = "<think>";

    /// <summary>Closes a thought.</summary>
    public const string Close = "</think>";

    /// <summary>How models go on from a closed thought to their answer.</summary>
    public const string AfterClose = "\n\n";
}
