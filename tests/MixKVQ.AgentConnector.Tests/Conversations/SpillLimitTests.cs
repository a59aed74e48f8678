using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>What expires, or is too much, goes from disk too.</summary>
public sealed class SpillLimitTests : IDisposable
{
    private readonly SpillFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AConversationThatExpiredBetweenProcesses_IsUnknown_AndItsFileIsDeleted(bool isSliding)
    {
        var clock = new SteppedClock();
        string old, young;
        using (MixKvqChatClient client = Open(clock, isSliding))
        {
            old = await SpillFolder.BeginAsync(client);
            clock.Advance(TimeSpan.FromMinutes(40));
            young = await SpillFolder.BeginAsync(client, "y");
        }

        clock.Advance(TimeSpan.FromMinutes(40));
        using MixKvqChatClient later = Open(clock, isSliding);
        await later.LoadAsync(Cancellation);
        Assert.False(File.Exists(_folder.FileOf(old)));
        ArgumentException unknown = await Assert.ThrowsAsync<ArgumentException>(() => SpillFolder.AskAsync(later, old, "3"));
        Assert.Contains("expired", unknown.Message, StringComparison.Ordinal);
        Assert.Equal("1 2 3", (await SpillFolder.AskAsync(later, young, "3")).Text);
    }

    [Fact]
    public async Task AConversationThatExpires_GoesFromDiskWithoutAnotherTurn()
    {
        var clock = new SteppedClock();
        using MixKvqChatClient client = Open(clock, isSliding: true);
        string id = await SpillFolder.BeginAsync(client);
        Assert.True(File.Exists(_folder.FileOf(id)));
        clock.Advance(TimeSpan.FromMinutes(61));
        Assert.False(File.Exists(_folder.FileOf(id)));
        Assert.Empty(Directory.GetFiles(_folder.PathOf("pages")));
    }

    [Fact]
    public async Task BeyondTheLimitOfTheFolder_TheLeastRecentlyUsedGoes_AndLivesOnInMemoryOnly()
    {
        string[] ids = new string[3];
        using (MixKvqChatClient client = _folder.Open())
        {
            await SpillFolder.BeginAsync(client);
        }

        long one = (await ReportAsync()).DiskBytes;
        Directory.Delete(_folder.Path, recursive: true);
        using (MixKvqChatClient client = Limited(one))
        {
            ids[0] = await SpillFolder.BeginAsync(client, "a");
            ids[1] = await SpillFolder.BeginAsync(client, "b");
            await SpillFolder.AskAsync(client, ids[0], "3");
            ids[2] = await SpillFolder.BeginAsync(client, "c");
            Assert.Equal([true, false, true], ids.Select(id => File.Exists(_folder.FileOf(id))));
            Assert.InRange((await client.Conversations.GetReportAsync(Cancellation)).DiskBytes, 1, one * 5 / 2);
        }

        using MixKvqChatClient later = Limited(one);
        await Assert.ThrowsAsync<ArgumentException>(() => SpillFolder.AskAsync(later, ids[1], "3"));
        Assert.Equal("1 2 3 4", (await SpillFolder.AskAsync(later, ids[0], "4")).Text);
        Assert.Equal("1 2 3", (await SpillFolder.AskAsync(later, ids[2], "3")).Text);
    }

    [Fact]
    public async Task MoreConversationsThanTheNextProcessKeeps_TheLeastRecentlyUsedGo()
    {
        string[] ids = new string[4];
        using (MixKvqChatClient client = _folder.Open())
        {
            for (int i = 0; i < ids.Length; i++)
            {
                ids[i] = await SpillFolder.BeginAsync(client, $"{i}");
            }

            await SpillFolder.AskAsync(client, ids[0], "3");
        }

        using MixKvqChatClient later = _folder.Open(configure: options => options.MaxConversations = 2);
        Assert.Equal([ids[0], ids[3]], (await later.Conversations.ListAsync(Cancellation)).Select(conversation => conversation.Id));
        Assert.Equal([true, false, false, true], ids.Select(id => File.Exists(_folder.FileOf(id))));
        Assert.Equal("1 2 3 4", (await SpillFolder.AskAsync(later, ids[0], "4")).Text);
    }

    private async Task<ConversationCacheReport> ReportAsync()
    {
        using MixKvqChatClient client = _folder.Open();
        return await client.Conversations.GetReportAsync(Cancellation);
    }

    private MixKvqChatClient Limited(long one) => _folder.Open(configure: options => options.Cache.SpillLimit = $"{one * 5 / 2}B");

    private MixKvqChatClient Open(TimeProvider clock, bool isSliding) => _folder.Open(
        clock: clock,
        configure: options =>
        {
            options.SlidingExpiration = isSliding ? TimeSpan.FromHours(1) : null;
            options.AbsoluteExpiration = isSliding ? null : TimeSpan.FromHours(1);
        });
}
