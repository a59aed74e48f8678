using CsCheck;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>What a caller does to a dialogue and its settings before the next request, and random scripts of it.</summary>
internal sealed class EditScript
{
    private static readonly string[] Words = ["the", "other", "in", "an", "all", "hour", "st", "x", "<|im_end|>", "<think>", "\n", " ", "é", "日本"];

    private static readonly AITool[][] ToolLists =
    [
        [AIFunctionFactory.Create((int n) => n, "double")],
        [AIFunctionFactory.Create((int n) => n, "double"), AIFunctionFactory.Create((string s) => s, "other", "Says the other.")],
        [AIFunctionFactory.Create((string s) => s, "other", "Says the other."), AIFunctionFactory.Create((int n) => n, "double")],
    ];

    private int _tools;
    private string _instructions = "Be kind in all that you say, at any hour.";

    /// <summary>One change and the request after it.</summary>
    /// <param name="Change">What is changed.</param>
    /// <param name="Text">The text that it brings.</param>
    /// <param name="Place">Where, modulo what there is.</param>
    /// <param name="Keeps">Whether the request wants thoughts kept, where that is not the same for all.</param>
    /// <param name="Waits">Whether the caller is idle before the request.</param>
    internal sealed record Step(Change Change, string Text, int Place, bool Keeps, bool Waits);

    internal enum Change
    {
        Ask,
        GoOn,
        Regenerate,
        GoBack,
        EditMessage,
        Insert,
        Remove,
        Swap,
        Shorten,
        ChangeTools,
        ChangeInstructions,
        DropThoughts,
    }

    /// <summary>Random scripts.</summary>
    public static Gen<Step[]> Steps { get; } = Gen.Select(
        Gen.Enum<Change>(), Gen.Int[0, Words.Length - 1].Array[1, 40].Select(choices => string.Concat(choices.Select(i => Words[i]))), Gen.Int[0, 99], Gen.Bool, Gen.Bool,
        (change, text, place, keeps, waits) => new Step(change, text, place, keeps, waits)).Array[1, 12];

    /// <summary>The dialogue.</summary>
    public List<ChatMessage> History { get; private set; } = [new(ChatRole.User, "Let us begin.")];

    /// <summary>The request's options.</summary>
    public ChatOptions Options(bool keeps) => new()
    {
        Instructions = _instructions,
        Tools = ToolLists[_tools],
        AdditionalProperties = new() { [MixKvqMetadata.KeepThoughts] = keeps },
    };

    /// <summary>Does a step's change.</summary>
    public void Apply(Step step)
    {
        List<List<ChatMessage>> exchanges = Exchanges();
        int place = step.Place % exchanges.Count;
        var message = new ChatMessage(ChatRole.User, step.Text);
        switch (step.Change)
        {
            case Change.GoOn when History[^1].Role == ChatRole.Tool:
                break;
            case Change.Regenerate when History.FindLastIndex(said => said.Role != ChatRole.Assistant) is var last and >= 0:
                History = [.. History.Take(last + 1)];
                break;
            case Change.GoBack:
                History = [.. History.Take(1 + step.Place % History.Count)];
                break;
            case Change.EditMessage:
                exchanges[place][0] = message;
                Join(exchanges);
                break;
            case Change.Insert:
                exchanges.Insert(place, [message, new ChatMessage(ChatRole.Assistant, "As you say.")]);
                Join(exchanges);
                break;
            case Change.Remove when exchanges.Count > 1:
                exchanges.RemoveAt(place);
                Join(exchanges);
                break;
            case Change.Swap:
                (exchanges[0], exchanges[place]) = (exchanges[place], exchanges[0]);
                Join(exchanges);
                break;
            case Change.Shorten:
                // As a chat reducer does: what came first gives way to its summary.
                History = [new ChatMessage(ChatRole.Assistant, "Before: " + step.Text), .. exchanges.Skip(exchanges.Count / 2).SelectMany(exchange => exchange)];
                break;
            case Change.ChangeTools:
                ChangeTools();
                goto default;
            case Change.ChangeInstructions:
                ChangeInstructions(step.Text);
                goto default;
            case Change.DropThoughts:
                History = [.. History.Select(said => new ChatMessage(said.Role, [.. said.Contents.Where(content => content is not TextReasoningContent)])), message];
                break;
            default:
                History.Add(message);
                break;
        }
    }

    /// <summary>Offers another list of tools.</summary>
    public void ChangeTools() => _tools = (_tools + 1) % ToolLists.Length;

    /// <summary>Gives other instructions.</summary>
    public void ChangeInstructions(string text) => _instructions = text;

    /// <summary>Adds an answer, and results of the calls that it makes.</summary>
    public void AddAnswer(ChatResponse response)
    {
        History.AddMessages(response);
        History.AddRange(ResultsOf(response));
    }

    /// <summary>Results of the calls that an answer makes.</summary>
    public static IEnumerable<ChatMessage> ResultsOf(ChatResponse response) => response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()
        .Select(call => new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call.CallId, "eight in all")]));

    /// <summary>The dialogue in parts that each begin with a message of the user; the first may begin otherwise.</summary>
    private List<List<ChatMessage>> Exchanges()
    {
        List<List<ChatMessage>> exchanges = [];
        foreach (ChatMessage message in History)
        {
            if (exchanges.Count == 0 || message.Role == ChatRole.User)
            {
                exchanges.Add([]);
            }

            exchanges[^1].Add(message);
        }

        return exchanges;
    }

    private void Join(List<List<ChatMessage>> exchanges) => History = [.. exchanges.SelectMany(exchange => exchange)];
}
