using System.Text.RegularExpressions;
using CsCheck;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>Random dialogues that go on, branch, go back and are edited: what the model sees is what a fresh client would show it.</summary>
public sealed partial class RandomDialogueTests
{
    private const int MaxConversations = 3;

    private static readonly string[] Words = ["the", "other", "in", "an", "all", "hour", "st", "x", "<|im_end|>", "\n", " ", "é", "日本"];

    private static readonly Gen<string> GenText = Gen.Int[0, Words.Length - 1].Select(i => Words[i]).Array[1, 30].Select(string.Concat);

    private static readonly ChatOptions Options = new() { Tools = [AIFunctionFactory.Create((int n) => n, "double")] };

    private enum Change
    {
        Ask,
        AskAgain,
        GoBack,
        EditFirst,
        DropThoughts,
    }

    [Fact]
    public Task WithThoughtsStripped_TheModelSeesTheIdsThatAFreshClientShowsIt() =>
        Run(keepThoughts: false, (model, ids) => string.Join(' ', ids));

    [Fact]
    public Task WithThoughtsKept_TheModelSeesTheTextThatAFreshClientShowsItButForThoughts() =>
        Run(keepThoughts: true, (model, ids) => WithoutThoughts().Replace(model.Tokenizer.Decode(ids), ""));

    private static Task Run(bool keepThoughts, Func<ScriptedModel, int[], string> seenBy) =>
        Gen.Select(Gen.Enum<Change>(), GenText).Array[1, 12].SampleAsync(
            async steps =>
            {
                var model = new ScriptedModel(Answer) { WritesCanonically = true };
                await using MixKvqChatClient client = model.CreateClient(options => (options.KeepThoughts, options.MaxConversations) = (keepThoughts, MaxConversations));
                List<ChatMessage> history = [new(ChatRole.User, "Let us begin.")];
                foreach ((Change change, string text) in steps)
                {
                    // Where a caller drops the thoughts of a tool loop, the model still sees its own.
                    history = Apply(change == Change.DropThoughts && !keepThoughts ? Change.Ask : change, text, history);
                    var fresh = new ScriptedModel(Answer) { WritesCanonically = true };
                    await using MixKvqChatClient freshClient = fresh.CreateClient(options => options.KeepThoughts = keepThoughts);
                    ChatResponse response = await client.GetResponseAsync(history, Options);
                    await freshClient.GetResponseAsync(history, Options);

                    Assert.Equal(seenBy(fresh, fresh.SeenPrompts.Single()), seenBy(model, model.SeenPrompts.Last()));
                    Assert.Equal(model.SeenPrompts.Last().Length, response.Usage!.InputTokenCount);
                    await client.WhenIdleWorkIsDoneAsync();
                    Assert.InRange(model.LiveSequences, 1, MaxConversations);
                    history.AddMessages(response);
                    history.AddRange(response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()
                        .Select(call => new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call.CallId, text)])));
                }
            },
            iter: 60);

    private static List<ChatMessage> Apply(Change change, string text, List<ChatMessage> history) => change switch
    {
        // A tool's result is an answer to go on from, with or without another message.
        Change.Ask when history[^1].Role == ChatRole.Tool && text.Length % 2 == 0 => history,
        Change.Ask => [.. history, new ChatMessage(ChatRole.User, text)],
        Change.GoBack => [.. history.Take(1 + text.Length % history.Count)],
        Change.EditFirst => [new ChatMessage(ChatRole.User, text), .. history.Skip(1)],
        Change.DropThoughts =>
        [
            .. history.Select(message => new ChatMessage(message.Role, [.. message.Contents.Where(content => content is not TextReasoningContent)])),
            new ChatMessage(ChatRole.User, text),
        ],
        _ => history,
    };

    /// <summary>An answer that depends on the prompt, its thoughts left out, and on nothing else.</summary>
    private static string Answer(string prompt)
    {
        prompt = WithoutThoughts().Replace(prompt, "");
        int choice = prompt.Aggregate(17, (hash, c) => unchecked((hash * 31) + c)) & 0xFFFF;
        string said = Words[choice % 8] + Words[choice / 8 % 8];
        const string call = "<tool_call>\n{\"name\": \"double\", \"arguments\": {\"n\": 4}}\n</tool_call>";
        return (choice % 5) switch
        {
            0 => said,
            1 => $"<think>\n{said}\n</think>\n\nThe {said}.",
            2 => $"<think>\n{said}\n</think>\n\n{call}",
            3 => $"{said}\n{call}\n{call}",
            _ => string.Concat(Enumerable.Repeat(said + " ", choice % 60)),
        };
    }

    [GeneratedRegex("<think>.*?</think>\n\n", RegexOptions.Singleline)]
    private static partial Regex WithoutThoughts();
}
