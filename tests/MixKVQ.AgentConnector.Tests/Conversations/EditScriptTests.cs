using System.Text.RegularExpressions;
using CsCheck;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>
/// Random edits of dialogues, tools and instructions. Whatever is edited:
/// <list type="number">
/// <item>Where thoughts are left out and callers send them, the model has seen the ids that a fresh client would give it, where it writes what its text
/// is encoded to; the same text, where it does not.</item>
/// <item>Where thoughts are kept, or callers drop them, it has seen the same text but for thoughts.</item>
/// <item>As many tokens were reused as any retained cache serves for: the whole of one that the prompt begins with, else up to the last page border of
/// the common beginning.</item>
/// </list>
/// What was reused is part of what the model has seen, so that a token too many would show.
/// </summary>
public sealed partial class EditScriptTests
{
    private const int MaxConversations = 4;

    private static readonly PromptRenderer Renderer = new(TinyTokenizer.Load(), ChatTemplate.Parse(TinyTokenizer.Template, "test"));

    [Fact]
    public Task WithThoughtsLeftOut_TheModelSeesTheIdsThatAFreshClientShowsIt() =>
        Run(keeps: _ => false, canonical: true, step => step.Change != EditScript.Change.DropThoughts, (_, ids) => string.Join(' ', ids));

    [Fact]
    public Task WithThoughtsLeftOut_AModelThatWritesOtherIdsSeesTheTextThatAFreshClientShowsIt() =>
        Run(keeps: _ => false, canonical: false, step => step.Change != EditScript.Change.DropThoughts, (model, ids) => model.Tokenizer.Decode(ids));

    [Fact]
    public Task WithThoughtsKept_TheModelSeesTheTextThatAFreshClientShowsIt() => Run(keeps: _ => true, canonical: false, _ => true, WithoutThoughts);

    [Fact]
    public Task WithThoughtsKeptNowAndThen_TheModelSeesTheTextThatAFreshClientShowsIt() => Run(keeps: step => step.Keeps, canonical: true, _ => true, WithoutThoughts);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task Conversations_AreWhatAFreshClientIsShown(bool keeps) => EditScript.Steps.SampleAsync(
        async steps =>
        {
            var model = new ScriptedModel(Answer) { WritesCanonically = true };
            await using MixKvqChatClient client = model.CreateClient(options => (options.Stateful, options.MaxConversations) = (true, MaxConversations));
            List<(string Id, List<ChatMessage> History)> conversations = [];
            var script = new EditScript();
            foreach (EditScript.Step step in steps)
            {
                (string Id, List<ChatMessage> History) = step.Change is EditScript.Change.Swap or EditScript.Change.Shorten || conversations.Count == 0
                    ? ("", [])
                    : conversations[^(1 + step.Place % Math.Min(conversations.Count, MaxConversations))];
                conversations.RemoveAll(known => known.Id == Id);
                if (step.Change == EditScript.Change.ChangeTools)
                {
                    script.ChangeTools();
                }

                if (step.Change == EditScript.Change.ChangeInstructions)
                {
                    script.ChangeInstructions(step.Text);
                }

                List<ChatMessage> added = [.. History is [.., { Role: var last }] && last == ChatRole.Tool ? History.AsEnumerable().Reverse().TakeWhile(message => message.Role == ChatRole.Tool).Reverse() : []];
                History.RemoveRange(History.Count - added.Count, added.Count);
                if (added.Count == 0 || step.Place % 2 == 0)
                {
                    added.Add(new ChatMessage(ChatRole.User, step.Text));
                }

                ChatOptions options = script.Options(keeps);
                ChatOptions named = options.Clone();
                named.ConversationId = Id.Length == 0 ? null : Id;
                ChatResponse response = await CheckAsync(client, model, added, named, [.. History, .. added], options, step.Waits, keeps ? WithoutThoughts : (_, ids) => string.Join(' ', ids));
                conversations.Add((response.ConversationId!, [.. History, .. added, .. response.Messages, .. EditScript.ResultsOf(response)]));
            }
        },
        iter: 12);

    private static Task Run(Func<EditScript.Step, bool> keeps, bool canonical, Func<EditScript.Step, bool> applies, Func<ScriptedModel, int[], string> seenBy) => EditScript.Steps.SampleAsync(
        async steps =>
        {
            var model = new ScriptedModel(Answer) { WritesCanonically = canonical };
            await using MixKvqChatClient client = model.CreateClient(options => options.MaxConversations = MaxConversations);
            var script = new EditScript();
            foreach (EditScript.Step step in steps.Where(applies))
            {
                script.Apply(step);
                ChatOptions options = script.Options(keeps(step));
                script.AddAnswer(await CheckAsync(client, model, script.History, options, script.History, options, step.Waits, seenBy));
            }
        },
        iter: 12);

    /// <summary>Asks the client; checks what the model has seen against what a fresh client renders, and how much of it was reused.</summary>
    private static async Task<ChatResponse> CheckAsync(
        MixKvqChatClient client, ScriptedModel model, List<ChatMessage> messages, ChatOptions options, List<ChatMessage> history, ChatOptions freshOptions, bool waits, Func<ScriptedModel, int[], string> seenBy)
    {
        IReadOnlyList<int[]>? retained = null;
        if (waits)
        {
            await client.WhenIdleWorkIsDoneAsync();
            retained = model.LiveContents;
            Assert.InRange(retained.Count, 0, MaxConversations);
        }

        ChatResponse response = await client.GetResponseAsync(messages, options);
        int[] seen = model.SeenPrompts.Last();

        var settings = new PromptSettings(freshOptions.Instructions, ToolDefinitions.Of(freshOptions.Tools, []), enableThinking: null);
        string fresh = Renderer.RenderAll(ChatTurnReader.Read(history), settings, DateTimeOffset.UnixEpoch, CancellationToken.None);
        Assert.Equal(seenBy(model, [.. model.Tokenizer.EncodePrompt(fresh).SelectMany(segment => segment.TokenIds)]), seenBy(model, seen));
        Assert.Equal(seen.Length, response.Usage!.InputTokenCount);
        if (retained is not null)
        {
            Assert.Equal(retained.Select(ids => Reusable(ids, seen)).Append(0).Max(), response.Usage.CachedInputTokenCount);
        }

        return response;
    }

    /// <summary>How much of a cache of these ids serves for a prompt, of which the last token is always read.</summary>
    private static int Reusable(int[] cached, int[] prompt)
    {
        int common = 0;
        while (common < cached.Length && common < prompt.Length - 1 && cached[common] == prompt[common])
        {
            common++;
        }

        return common == cached.Length ? common : CacheGeometry.PageBorder(common);
    }

    private static string WithoutThoughts(ScriptedModel model, int[] ids) => Thoughts().Replace(model.Tokenizer.Decode(ids), "");

    /// <summary>An answer that depends on the prompt, its thoughts left out, and on nothing else. No thought is empty: callers do not see those, nor send them back.</summary>
    private static string Answer(string prompt)
    {
        prompt = Thoughts().Replace(prompt, "");
        int choice = prompt.Aggregate(17, (hash, c) => unchecked((hash * 31) + c)) & 0xFFFF;
        string said = string.Concat(Enumerable.Repeat((choice % 3) switch { 0 => "the other hour ", 1 => "in all, ", _ => "x" }, choice / 3 % 40));
        const string call = "<tool_call>\n{\"name\": \"double\", \"arguments\": {\"n\": 4}}\n</tool_call>";
        return (choice % 7) switch
        {
            0 => $"<think>\nLook {said}\n</think>\n\n{call}",
            1 => $"{said}!\n{call}\n{call}",
            2 => $"So {said}.",
            _ => $"<think>\nI see {said}\n</think>\n\nThe {said}.",
        };
    }

    // Thoughts are added tokens; what a user types is not, and is never followed by the end of one.
    [GeneratedRegex("<think>\n[^<]*</think>\n\n", RegexOptions.Singleline)]
    private static partial Regex Thoughts();
}
