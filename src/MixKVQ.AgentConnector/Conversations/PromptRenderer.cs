using System.Globalization;
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Chat.Guidance;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Turns to prompt text through the model's template. Thread-safe.</summary>
internal sealed class PromptRenderer(ModelTokenizer tokenizer, ChatTemplate template)
{
    private const string InstructionsSeparator = "\n";

    private readonly TemplateMessages _messages = new(tokenizer.ControlTextGuard);

    /// <summary>Whether the template knows the variable <c>enable_thinking</c>.</summary>
    public bool CanDisableThinking { get; } = RendersThinkingSwitch(template);

    /// <summary>Whether the model writes thoughts: it has a token that opens one, or its template does.</summary>
    public bool CanThink { get; } = tokenizer.FindAddedToken(ThoughtTags.Open) is not null || template.Mentions(ThoughtTags.Open);

    /// <summary>The prompt of a whole dialogue.</summary>
    /// <param name="turns">The dialogue, without the settings' instructions.</param>
    /// <param name="settings">What else shapes the prompt.</param>
    /// <param name="startedAt">The time that templates print; fixed for a conversation, so that its prompt only grows.</param>
    /// <param name="cancellationToken">Ends the rendering.</param>
    /// <exception cref="InvalidDataException">The template fails on these turns.</exception>
    public string RenderAll(IReadOnlyList<ChatTurn> turns, PromptSettings settings, DateTimeOffset startedAt, CancellationToken cancellationToken) =>
        template.Render(
            new ChatTemplateInput(
                _messages.Of(WithInstructions(turns, settings.Instructions)),
                _messages.Guard(settings.Tools)?.AsArray(),
                AddGenerationPrompt: true,
                Variables(settings, startedAt),
                Now: startedAt),
            cancellationToken);

    /// <summary>
    /// What follows the last turn of <paramref name="history"/>, an assistant's, when <paramref name="newTurns"/> come
    /// after it: the end of that turn, the new turns and the generation prompt. The text before it is never looked at,
    /// so earlier thoughts stay even where the template strips them. Null where the template gives no such text.
    /// </summary>
    public string? RenderContinuation(
        IReadOnlyList<ChatTurn> history,
        IReadOnlyList<ChatTurn> newTurns,
        PromptSettings settings,
        DateTimeOffset startedAt,
        CancellationToken cancellationToken)
    {
        // Random, so that no text can forge it.
        string marker = $"answer-{Guid.NewGuid():N}";
        string text;
        try
        {
            text = RenderAll([.. history.SkipLast(1), new ChatTurn(TurnRole.Assistant, marker), .. newTurns], settings, startedAt, cancellationToken);
        }
        catch (InvalidDataException)
        {
            // A template may insist that a tool result follows a call, which the marker is not.
            return null;
        }

        int start = text.IndexOf(marker, StringComparison.Ordinal);
        return start >= 0 && start == text.LastIndexOf(marker, StringComparison.Ordinal) ? text[(start + marker.Length)..] : null;
    }

    private static IEnumerable<ChatTurn> WithInstructions(IReadOnlyList<ChatTurn> turns, string? instructions)
    {
        if (string.IsNullOrEmpty(instructions))
        {
            return turns;
        }

        // One system turn: several templates read the first or the last one only.
        return turns is [{ Role: TurnRole.System } system, ..]
            ? turns.Skip(1).Prepend(system with { Text = instructions + InstructionsSeparator + system.Text })
            : turns.Prepend(new ChatTurn(TurnRole.System, instructions));
    }

    private JsonObject Variables(PromptSettings settings, DateTimeOffset startedAt)
    {
        var variables = new JsonObject
        {
            ["bos_token"] = tokenizer.BosToken ?? "",
            ["eos_token"] = tokenizer.EosToken ?? "",
            ["date_string"] = startedAt.ToString("dd MMM yyyy", CultureInfo.InvariantCulture),
        };
        if (settings.EnableThinking is { } enabled)
        {
            variables["enable_thinking"] = enabled;
        }

        return variables;
    }

    private static bool RendersThinkingSwitch(ChatTemplate template)
    {
        try
        {
            return Probe(true) != Probe(false);
        }
        catch (InvalidDataException)
        {
            // The template refuses so short a dialogue; nothing is known of a switch.
            return false;
        }

        string Probe(bool enabled) => template.Render(
            new ChatTemplateInput(
                [new JsonObject { ["role"] = "user", ["content"] = "" }],
                Tools: null,
                AddGenerationPrompt: true,
                new JsonObject { ["bos_token"] = "", ["eos_token"] = "", ["enable_thinking"] = enabled }),
            CancellationToken.None);
    }
}
