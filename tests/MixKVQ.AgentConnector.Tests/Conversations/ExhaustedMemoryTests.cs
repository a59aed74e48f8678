using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using MixKVQ.AgentConnector.Tests.Native;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>Memory that ends before the budget does.</summary>
public sealed class ExhaustedMemoryTests : IDisposable
{
    private readonly ScriptedModel _model = new(prompt => $"Answer {prompt.Split("user").Length - 1}.");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ATurnThatFailsOnce_IsTriedAgainOnceTheCachesOfOthersHaveLeftMemory(bool toDisk)
    {
        using var folder = new ModelFolder();
        using MixKvqChatClient client = Client(toDisk ? folder.File("conversations") : null);
        string other = (await client.GetResponseAsync("Something.", cancellationToken: Cancellation)).ConversationId!;
        string mine = (await client.GetResponseAsync("Something else.", cancellationToken: Cancellation)).ConversationId!;
        int steps = 0;
        _model.OnStep = _ => ThrowIf(++steps == 4);
        ChatResponse response = await client.GetResponseAsync("And?", In(mine), Cancellation);
        Assert.Equal("Answer 2.", response.Text);
        Assert.Equal(mine, response.ConversationId);
        Assert.Equal(toDisk ? CachePlace.Disk : CachePlace.None, (await client.Conversations.FindAsync(other, Cancellation))!.Place);
        Assert.Equal("Answer 2.", (await client.GetResponseAsync("And?", In(other), Cancellation)).Text);
        Assert.Equal("Answer 3.", (await client.GetResponseAsync("And then?", In(mine), Cancellation)).Text);
    }

    [Fact]
    public async Task ATurnThatFailsAgain_IsRefusedWithTheSizesAndItsConversationGoesOnAsBefore()
    {
        ((ScriptedSequenceFactory)_model.Sequences).DeviceMemory = new DeviceMemory(3L << 30, 8L << 30);
        using MixKvqChatClient client = Client(null);
        string id = (await client.GetResponseAsync("Something.", cancellationToken: Cancellation)).ConversationId!;
        int live = _model.LiveSequences;
        _model.OnStep = _ => ThrowIf(true);
        InsufficientMemoryException refusal = await Assert.ThrowsAsync<InsufficientMemoryException>(() => client.GetResponseAsync("And?", In(id), Cancellation));
        Assert.Contains("2.00 MiB more were needed", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("The device has 8 GiB, of which 3 GiB are free.", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("the budget for all caches is 768 MiB", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Cache.MemoryBudget", refusal.Message, StringComparison.Ordinal);
        _model.OnStep = null;
        Assert.Equal(live, _model.LiveSequences);
        Assert.Equal("Answer 2.", (await client.GetResponseAsync("And?", In(id), Cancellation)).Text);
        Assert.Equal(4, (await client.Conversations.FindAsync(id, Cancellation))!.MessageCount);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ASequenceThatCannotBeOpened_IsTriedAgainAndThenRefused(int failures)
    {
        using MixKvqChatClient client = Client(null);
        string id = (await client.GetResponseAsync("Something.", cancellationToken: Cancellation)).ConversationId!;
        int left = failures;
        _model.OnOpen = () => ThrowIf(left-- > 0);
        Task<ChatResponse> turn = client.GetResponseAsync("And?", In(id), Cancellation);
        if (failures > 1)
        {
            await Assert.ThrowsAsync<InsufficientMemoryException>(() => turn);
            turn = client.GetResponseAsync("And?", In(id), Cancellation);
        }

        Assert.Equal("Answer 2.", (await turn).Text);
    }

    [Fact]
    public async Task TurnsThatWaitForMemory_GoOnWhenOneIsRefused()
    {
        using MixKvqChatClient client = _model.CreateClient(options => (options.Stateful, options.MaxOutputTokens, options.Cache.MemoryBudget) = (true, 20, "2KiB"));
        int steps = 0;
        _model.OnStep = _ => ThrowIf(Interlocked.Increment(ref steps) <= 2);
        Task<ChatResponse>[] turns = [.. Enumerable.Range(0, 4).Select(i => client.GetResponseAsync(new string('x', 200), cancellationToken: Cancellation))];
        await Task.WhenAll(turns.Select(turn => turn.ContinueWith(_ => { }, TaskScheduler.Default))).WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        Assert.InRange(turns.Count(turn => turn.IsFaulted), 0, 1);
        Assert.All(turns.Where(turn => !turn.IsFaulted), turn => Assert.Equal("Answer 1.", turn.Result.Text));
    }

    [Fact]
    public async Task ABudgetThatIsMoreThanTheDeviceHasFree_IsRefusedWhenTheModelIsLoaded()
    {
        ((ScriptedSequenceFactory)_model.Sequences).DeviceMemory = new DeviceMemory(3L << 30, 8L << 30);
        using MixKvqChatClient client = _model.CreateClient(options => options.Cache.MemoryBudget = "4GiB");
        ArgumentException refusal = await Assert.ThrowsAsync<ArgumentException>(() => client.LoadAsync(Cancellation));
        Assert.Equal(
            "Cache.MemoryBudget is '4GiB', but with the model loaded 3072 of the device's 8192 MiB are free. Set less, or a share such as 80%, or end what else uses the device's memory.",
            refusal.Message);
    }

    private static void ThrowIf(bool isExhausted)
    {
        if (isExhausted)
        {
            throw TorchFailure.Exhausted;
        }
    }

    private static ChatOptions In(string id) => new() { ConversationId = id };

    private MixKvqChatClient Client(string? folder) => _model.CreateClient(options => (options.Stateful, options.Cache.SpillDirectory) = (true, folder));
}
