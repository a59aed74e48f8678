using System.Globalization;
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Chat.ToolCalling;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Turns to prompt text through the model's template. Thread-safe.</summary>
internal sealed class PromptRenderer
{
    private const string InstructionsSeparator = "\n";

    private readonly ModelTokenizer _tokenizer;
    private readonly ChatTemplate _template;
    private readonly TemplateMessages _messages;
    private readonly TemplateTraits _traits;
    private readonly TemplateTraits _traitsWithTools;

    /// <summary>Renders small dialogues to learn what the template can.</summary>
    public PromptRenderer(ModelTokenizer tokenizer, ChatTemplate template)
    {
        _tokenizer = tokenizer;
        _template = template;
        ToolCallFormat = ToolCallFormat.Detect(template, tokenizer);
        CanDisableThinking = RendersThinkingSwitch(template);
        CanThink = tokenizer.FindAddedToken(ThoughtTags.Open) is not null || template.Source.Contains(ThoughtTags.Open, StringComparison.Ordinal);
        _messages = new TemplateMessages(tokenizer.ControlTextGuard, ToolCallFormat, tokenizer.EosToken ?? "");
        _traits = TemplateProbe.Run(template, ToolCallFormat, withTools: false);
        _traitsWithTools = TemplateProbe.Run(template, ToolCallFormat, withTools: true);
    }

    /// <summary>How the model writes calls.</summary>
    public ToolCallFormat ToolCallFormat { get; }

    /// <summary>Whether the template knows the variable <c>enable_thinking</c>.</summary>
    public bool CanDisableThinking { get; }

    /// <summary>Whether the model writes thoughts: it has a token that opens one, or its template does.</summary>
    public bool CanThink { get; }

    /// <summary>The prompt of a whole dialogue.</summary>
    /// <param name="turns">The dialogue, without the settings' instructions.</param>
    /// <param name="settings">What else shapes the prompt.</param>
    /// <param name="startedAt">The time that templates print; fixed for a conversation, so that its prompt only grows.</param>
    /// <param name="cancellationToken">Ends the rendering.</param>
    /// <exception cref="InvalidDataException">The template fails on these turns.</exception>
    public string RenderAll(IReadOnlyList<ChatTurn> turns, PromptSettings settings, DateTimeOffset startedAt, CancellationToken cancellationToken) =>
        Render(turns, settings, startedAt, [], cancellationToken);

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
            text = Render([.. history.SkipLast(1), new ChatTurn(TurnRole.Assistant, marker), .. newTurns], settings, startedAt, history[^1].Calls, cancellationToken);
        }
        catch (InvalidDataException)
        {
            // A template may insist that a tool result follows a call, which the marker is not.
            return null;
        }

        int start = text.IndexOf(marker, StringComparison.Ordinal);
        return start >= 0 && start == text.LastIndexOf(marker, StringComparison.Ordinal) ? text[(start + marker.Length)..] : null;
    }

    /// <summary>
    /// The text of a dialogue up to the end of its last turn, an assistant's, as it is once a message of the user follows: without the thoughts
    /// that the template strips then. Null where the template gives no such text.
    /// </summary>
    /// <exception cref="InvalidDataException">The template fails on these turns.</exception>
    public string? RenderAnswered(IReadOnlyList<ChatTurn> turns, PromptSettings settings, DateTimeOffset startedAt, CancellationToken cancellationToken)
    {
        ChatTurn[] next = [new ChatTurn(TurnRole.User, "?")];
        string? end = RenderContinuation(turns, next, settings, startedAt, cancellationToken);
        if (end is null)
        {
            return null;
        }

        string text = RenderAll([.. turns, .. next], settings, startedAt, cancellationToken);
        return text.EndsWith(end, StringComparison.Ordinal) ? text[..^end.Length] : null;
    }

    private string Render(IReadOnlyList<ChatTurn> turns, PromptSettings settings, DateTimeOffset startedAt, IReadOnlyList<ToolCall> knownCalls, CancellationToken cancellationToken)
    {
        JsonArray? tools = settings.Tools;
        bool passesTools = tools is not null && _traitsWithTools.RendersTools;
        TemplateDialogue dialogue = _messages.Of(
            [.. WithInstructions(turns, settings.Instructions)],
            passesTools ? _traitsWithTools : _traits,
            tools is null || passesTools ? null : _messages.InstructionsFor(tools),
            knownCalls);
        string text = _template.Render(
            new ChatTemplateInput(
                dialogue.Messages,
                passesTools ? _messages.Guard(tools)!.AsArray() : null,
                AddGenerationPrompt: true,
                Variables(settings, startedAt),
                Now: startedAt),
            cancellationToken);
        int end = dialogue.End is null ? -1 : text.LastIndexOf(dialogue.End, StringComparison.Ordinal);
        return end < 0 ? text : text[..end];
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
            ["bos_token"] = _tokenizer.BosToken ?? "",
            ["eos_token"] = _tokenizer.EosToken ?? "",
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
                new JsonObject { ["bos_token"] = "", ["eos_token"] = "", ["enable_thinking"] = enabled },
                IsProbe: true),
            CancellationToken.None);
    }
}
