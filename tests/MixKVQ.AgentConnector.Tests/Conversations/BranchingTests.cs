using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>Dialogues that go another way from an earlier answer.</summary>
public sealed class BranchingTests
{
    private const string Thought = "<think>\nHm.\n</think>\n\n";
    private static readonly PromptSettings Settings = new(null, null, null);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnotherWayFromAnEarlierAnswer_KeepsTheThoughtsBeforeIt(bool regenerates)
    {
        var model = new ScriptedModel(_ => Thought + new string('y', 150));
        await using MixKvqChatClient client = model.CreateClient();
        List<ChatMessage> history = [];
        for (int turn = 0; turn < 3; turn++)
        {
            history.Add(new ChatMessage(ChatRole.User, $"Question {turn} " + new string('x', 100)));
            history.AddMessages(await client.GetResponseAsync(history, cancellationToken: Cancellation));
        }

        int[] third = model.SeenPrompts.Last();
        history.RemoveAt(5);
        history[4] = regenerates ? history[4] : new ChatMessage(ChatRole.User, "Question of another kind");
        ChatResponse again = await client.GetResponseAsync(history, cancellationToken: Cancellation);

        int[] seen = model.SeenPrompts.Last();
        Assert.Equal(2, model.Tokenizer.Decode(seen).Split("Hm.").Length - 1);
        Assert.Equal(regenerates, third.SequenceEqual(seen));
        Assert.InRange(again.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens], 1, regenerates ? 128 : 200);
        Assert.Equal(2, model.LiveSequences);
    }

    [Fact]
    public void State_KnowsWhereItsAnswersEnd()
    {
        var model = new ScriptedModel(_ => "Yes.");
        ConversationState first = Answered(model, basis: null, [], User("One"));
        ConversationState second = Answered(model, first, [.. first.Dialogue.Turns, User("Two")]);
        Assert.Equal([new AnswerEnd(2, first.Tokens.Count), new AnswerEnd(4, second.Tokens.Count)], second.AnswerEnds);
        Assert.Equal(first.Tokens.Range(0, first.Tokens.Count), second.Tokens.Prefix(first.Tokens.Count)!.Range(0, first.Tokens.Count));
        Assert.Null(second.Tokens.Prefix(first.Tokens.Count - 1));
        first.Release();
        second.Release();
        Assert.Equal(0, model.LiveSequences);
    }

    [Fact]
    public void AnswersEnd_AtTheSamePlaceInADialogueThatBeginsAlike()
    {
        var model = new ScriptedModel(_ => "Yes.");
        ConversationState first = Answered(model, basis: null, [], User("One"));
        ConversationState state = Answered(model, first, [.. first.Dialogue.Turns, User("Two")]);
        IReadOnlyList<ChatTurn> turns = state.Dialogue.Turns;
        int all = state.Tokens.Count;

        Assert.Equal(state.AnswerEnds, AnswerEnd.Shared(state, new Dialogue([.. turns, User("Three")]), all));
        Assert.Equal([state.AnswerEnds[0]], AnswerEnd.Shared(state, new Dialogue([.. turns, User("Three")]), all - 1));
        Assert.Equal([state.AnswerEnds[0]], AnswerEnd.Shared(state, new Dialogue([.. turns.Take(2), User("Other")]), all));
        Assert.Empty(AnswerEnd.Shared(state, new Dialogue([User("Other"), .. turns.Skip(1)]), all));
        first.Release();
        state.Release();
    }

    [Fact]
    public void AnswersEnd_WhereTheyDid_OnceTurnsThatWereLeftOutAreForgotten()
    {
        var model = new ScriptedModel(_ => "Yes.");
        Dialogue dialogue = new Dialogue([User("One"), new ChatTurn(TurnRole.Assistant, "Yes."), User("Two")]).Dropping(2);
        ConversationState state = Answered(model, null, dialogue);
        Assert.Equal([new AnswerEnd(4, state.Tokens.Count)], state.AnswerEnds);
        Assert.Equal([new AnswerEnd(2, state.Tokens.Count)], AnswerEnd.Shared(state, state.Dialogue.Forget(), state.Tokens.Count));
        state.Release();
    }

    private static ChatTurn User(string text) => new(TurnRole.User, text);

    private static ConversationState Answered(ScriptedModel model, ConversationState? basis, IReadOnlyList<ChatTurn> turns, params ChatTurn[] more) =>
        Answered(model, basis, new Dialogue([.. turns, .. more]));

    /// <summary>The state after an answer to a dialogue that goes on from <paramref name="basis"/>.</summary>
    private static ConversationState Answered(ScriptedModel model, ConversationState? basis, Dialogue dialogue)
    {
        TokenLog prompt = basis?.Tokens.Clone() ?? new TokenLog();
        prompt.Append(model.Tokenizer.EncodePrompt(basis is null ? "<|im_start|>user\nOne<|im_end|>\n<|im_start|>assistant\n" : "<|im_end|>\n<|im_start|>user\nTwo<|im_end|>\n<|im_start|>assistant\n"));
        using var plan = new TurnPlan(basis, basis?.CachedTokens ?? 0, prompt, dialogue, Settings, DateTimeOffset.UnixEpoch, startsInThought: false)
        {
            AnswerEnds = basis is null ? [] : AnswerEnd.Shared(basis, dialogue, basis.Tokens.Count),
        };
        plan.Open(model.Sequences);
        plan.Sequence.Append(prompt.Range(plan.CachedTokens, prompt.Count), []);
        List<int> answer = model.Encode("Yes.");
        plan.Sequence.Append(answer.ToArray(), []);
        return plan.ToState(new ChatTurn(TurnRole.Assistant, "Yes."), answer, model.Tokenizer);
    }
}
