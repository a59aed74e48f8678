using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Chat;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// Everything beside the turns that shapes a prompt. Two requests whose <see cref="Key"/> differs have different
/// prompts from the start, or may have. Immutable.
/// </summary>
/// <param name="instructions">The request's instructions, merged into the leading system turn; null for none.</param>
/// <param name="tools">The offered tools as templates read them, not guarded; null for none.</param>
/// <param name="enableThinking">The template's switch of that name; null leaves it to the template.</param>
internal sealed class PromptSettings(string? instructions, JsonArray? tools, bool? enableThinking)
{
    /// <summary>The request's instructions; null for none.</summary>
    public string? Instructions { get; } = instructions;

    /// <summary>The offered tools; null for none. Not to be changed.</summary>
    public JsonArray? Tools { get; } = tools;

    /// <summary>The template's switch for thoughts; null leaves it to the template.</summary>
    public bool? EnableThinking { get; } = enableThinking;

    /// <summary>Equal for settings that give equal prompts. Making it reads the whole of <see cref="Tools"/>, after which many threads can.</summary>
    public string Key { get; } = $"{CanonicalJson.Of(instructions)}{CanonicalJson.Of(tools)}{enableThinking}";

    /// <summary>These settings, with the instructions of <paramref name="earlier"/> ones where these have none.</summary>
    public PromptSettings After(PromptSettings earlier) =>
        Instructions is null && earlier.Instructions is { } kept ? new PromptSettings(kept, Tools, EnableThinking) : this;
}
