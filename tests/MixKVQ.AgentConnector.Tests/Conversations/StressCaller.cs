using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>A caller that does this and that with conversations of its own, and knows what each answer has to be.</summary>
/// <param name="client">The client.</param>
/// <param name="isStateful">Whether it gives ids.</param>
/// <param name="name">Begins the questions, so that no two callers ask the same.</param>
/// <param name="seed">Chooses what it does.</param>
internal sealed class StressCaller(MixKvqChatClient client, bool isStateful, string name, int seed)
{
    private const int MostConversations = 4;
    private const int MostTurns = 6;

    private static readonly string[] Beginnings = ["", new('p', 300), new('q', 700), $"{new string('p', 300)}{new string('r', 300)}"];

    private readonly Random _random = new(seed);
    private readonly List<StressDialogue> _dialogues = [];
    private int _questions;

    /// <summary>The conversations that it counts on.</summary>
    public IReadOnlyList<StressDialogue> Dialogues => _dialogues;

    /// <summary>Answers that it got.</summary>
    public int Answered { get; private set; }

    /// <summary>Turns that it gave up.</summary>
    public int GivenUp { get; private set; }

    /// <summary>Turns and pins that were refused since the budget is too small beside what is pinned.</summary>
    public int Refused { get; private set; }

    /// <summary>Does <paramref name="steps"/> things, one after the other.</summary>
    public async Task RunAsync(int steps, CancellationToken cancellationToken)
    {
        for (int i = 0; i < steps; i++)
        {
            try
            {
                await StepAsync(cancellationToken);
            }
            catch (InsufficientMemoryException)
            {
                Refused++;
            }
        }
    }

    private async Task StepAsync(CancellationToken cancellationToken)
    {
        StressDialogue? dialogue = _dialogues.Count == 0 ? null : _dialogues[_random.Next(_dialogues.Count)];
        switch (_random.Next(isStateful ? 12 : 8))
        {
            case 0 or 1 when _dialogues.Count < MostConversations:
                await BeginAsync(cancellationToken);
                break;
            case 2 or 3 when dialogue is not null:
                await AskAsync(dialogue, _random.Next(6), cancellationToken);
                break;
            case 8 when dialogue is not null && _dialogues.Count < MostConversations:
                string fork = await client.Conversations.ForkAsync(dialogue.Id!, cancellationToken: cancellationToken);
                _dialogues.Add(new StressDialogue(fork, [.. dialogue.History]));
                break;
            case 9 when dialogue is not null:
                // Short, so that others get their turn.
                await client.Conversations.PinAsync(dialogue.Id!, cancellationToken);
                await client.Conversations.UnpinAsync(dialogue.Id!, cancellationToken);
                break;
            case 10 when dialogue is not null:
                await client.Conversations.DropAsync(dialogue.Id!, cancellationToken);
                _dialogues.Remove(dialogue);
                break;
            case 11 when dialogue is not null && _dialogues.Count < MostConversations:
                string shorter = await client.Conversations.ForkAsync(dialogue.Id!, messageCount: 2, cancellationToken);
                _dialogues.Add(new StressDialogue(shorter, [.. dialogue.History.Take(2)]));
                break;
            default:
                if (dialogue is not null)
                {
                    await AskAsync(dialogue, giveUpAfter: null, cancellationToken);
                }

                break;
        }
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        var dialogue = new StressDialogue(null, []);
        await AskAsync(dialogue, giveUpAfter: null, cancellationToken);
        _dialogues.Add(dialogue);
    }

    private async Task AskAsync(StressDialogue dialogue, int? giveUpAfter, CancellationToken cancellationToken)
    {
        string beginning = dialogue.History.Count == 0 ? Beginnings[_random.Next(Beginnings.Length)] : "";
        var question = new ChatMessage(ChatRole.User, $"{beginning} question {name}{_questions++}?");
        List<ChatMessage> history = [.. dialogue.History, question];
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<ChatResponseUpdate> updates = [];
        try
        {
            IEnumerable<ChatMessage> sent = isStateful ? [question] : history;
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(sent, new ChatOptions { ConversationId = dialogue.Id }, giveUp.Token))
            {
                updates.Add(update);
                if (giveUpAfter-- == 0)
                {
                    await giveUp.CancelAsync();
                }
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            GivenUp++;
            return;
        }

        ChatResponse response = updates.ToChatResponse();
        Assert.Equal(string.Join(' ', history.Where(message => message.Role == ChatRole.User).Select(message => message.Text.Split("question ")[1].TrimEnd('?'))), response.Text);
        Answered++;
        if (history.Count >= 2 * MostTurns)
        {
            _dialogues.Remove(dialogue);
            return;
        }

        dialogue.Id = response.ConversationId;
        dialogue.History.Clear();
        dialogue.History.AddRange([.. history, .. response.Messages]);
    }
}
