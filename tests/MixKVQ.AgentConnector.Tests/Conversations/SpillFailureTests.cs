using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>Folders that cannot be used, or no longer.</summary>
public sealed class SpillFailureTests : IDisposable
{
    private readonly SpillFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a file")]
    [InlineData("in a file")]
    [InlineData("in use")]
    [InlineData("with a folder for its lock")]
    [InlineData("with a file for its pages")]
    public async Task AFolderThatCannotBeUsed_IsNamedWithItsOptionWhenTheModelIsLoaded_AndTriedAgain(string fault)
    {
        MixKvqChatClient? first = null;
        switch (fault)
        {
            case "a file":
                await File.WriteAllTextAsync(_folder.Path, "", Cancellation);
                break;
            case "in a file":
                await File.WriteAllTextAsync(_folder.Path, "", Cancellation);
                break;
            case "in use":
                first = _folder.Open();
                await first.LoadAsync(Cancellation);
                break;
            case "with a folder for its lock":
                Directory.CreateDirectory(_folder.PathOf("lock"));
                break;
            default:
                Directory.CreateDirectory(_folder.Path);
                await File.WriteAllTextAsync(_folder.PathOf("pages"), "", Cancellation);
                break;
        }

        string path = fault == "in a file" ? _folder.PathOf("inner") : _folder.Path;
        using MixKvqChatClient client = _folder.Open(configure: options => options.Cache.SpillDirectory = path);
        IOException refusal = await Assert.ThrowsAsync<IOException>(() => client.LoadAsync(Cancellation));
        Assert.Contains($"Cache.SpillDirectory is '{path}'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("folder of its own", refusal.Message, StringComparison.Ordinal);

        if (first is not null)
        {
            await first.DisposeAsync();
        }
        else if (File.Exists(_folder.Path))
        {
            File.Delete(_folder.Path);
        }
        else
        {
            Directory.Delete(_folder.Path, recursive: true);
        }

        Assert.Equal("1", (await client.GetResponseAsync("question 1?", cancellationToken: Cancellation)).Text);
    }

    [Theory]
    [InlineData("the folder is gone")]
    [InlineData("no page can be written")]
    [InlineData("a folder is in the file's place")]
    public async Task ATurnThatCannotBeSaved_Succeeds_AndTheConversationGoesOnInMemoryOnly(string fault)
    {
        string id;
        using (MixKvqChatClient client = _folder.Open())
        {
            id = await SpillFolder.BeginAsync(client);
            string moved = _folder.Path + ".moved";
            switch (fault)
            {
                case "the folder is gone":
                    Directory.Move(_folder.Path, moved);
                    break;
                case "no page can be written":
                    Directory.Move(_folder.PathOf("pages"), moved);
                    await File.WriteAllTextAsync(_folder.PathOf("pages"), "", Cancellation);
                    break;
                default:
                    File.Delete(_folder.FileOf(id));
                    Directory.CreateDirectory(_folder.FileOf(id));
                    break;
            }

            ChatResponse third = await SpillFolder.AskAsync(client, id, new string('z', 400));
            Assert.StartsWith("1 2 zz", third.Text, StringComparison.Ordinal);
            Assert.Contains(_folder.Warnings, line => line.Contains(id, StringComparison.Ordinal) && line.Contains("could not be written", StringComparison.Ordinal));
            ChatResponse fourth = await SpillFolder.AskAsync(client, id, "4");
            Assert.EndsWith(" 4", fourth.Text, StringComparison.Ordinal);
            Assert.InRange(SpillFolder.Prefilled(fourth), 1, 60);
            await client.Conversations.DropAsync((await client.GetResponseAsync("question 1?", cancellationToken: Cancellation)).ConversationId!, Cancellation);
            if (fault == "no page can be written")
            {
                File.Delete(_folder.PathOf("pages"));
            }
        }

        using MixKvqChatClient later = _folder.Open();
        await Assert.ThrowsAsync<ArgumentException>(() => SpillFolder.AskAsync(later, id, "5"));
    }

    [Fact]
    public async Task OnceTheFolderCanBeWrittenAgain_TheNextTurnIsSaved()
    {
        string id;
        using (MixKvqChatClient client = _folder.Open())
        {
            id = await SpillFolder.BeginAsync(client);
            Directory.Move(_folder.Path, _folder.Path + ".moved");
            await SpillFolder.AskAsync(client, id, "3");
            Directory.Move(_folder.Path + ".moved", _folder.Path);
            await SpillFolder.AskAsync(client, id, "4");
        }

        using MixKvqChatClient later = _folder.Open();
        ChatResponse response = await SpillFolder.AskAsync(later, id, "5");
        Assert.Equal("1 2 3 4 5", response.Text);
        Assert.InRange(SpillFolder.Prefilled(response), 1, 60);
    }

    /// <summary>The file of the turn before must not be found by the next process.</summary>
    [Fact]
    public async Task AFileThatCouldNotBeDeleted_IsDeletedLater()
    {
        string id, other;
        using (MixKvqChatClient client = _folder.Open())
        {
            id = await SpillFolder.BeginAsync(client);
            other = await SpillFolder.BeginAsync(client, "y");
            Directory.Move(_folder.Path, _folder.Path + ".moved");
            await client.Conversations.DropAsync(id, Cancellation);
            Directory.Move(_folder.Path + ".moved", _folder.Path);
            await SpillFolder.AskAsync(client, other, "3");
        }

        Assert.False(File.Exists(_folder.FileOf(id)));
        using MixKvqChatClient later = _folder.Open();
        Assert.Equal([other], (await later.Conversations.ListAsync(Cancellation)).Select(conversation => conversation.Id));
    }
}
