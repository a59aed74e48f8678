using System.Diagnostics;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.StorageProbe;
using MixKVQ.AgentConnector.Tests.Models;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>Clients that find what a failing disk or a stranger left in the folder of their conversations.</summary>
public sealed class DamagedSpillTests : IDisposable
{
    /// <summary>A turn's tokens, with those that are read again from a page border.</summary>
    private const int TurnTokens = 60;

    private readonly SpillFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("cut off")]
    [InlineData("one byte long")]
    [InlineData("empty")]
    [InlineData("changed in its text")]
    [InlineData("a stranger's")]
    [InlineData("a link")]
    [InlineData("a link to nothing")]
    [InlineData("a pipe")]
    [InlineData("another conversation's")]
    public async Task AConversationWhoseFileCannotBeRead_IsSetAsideAndUnknown_AndItsHistoryIsReadAnew(string damage)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() && damage is "a link" or "a link to nothing" or "a pipe", "Links and pipes are made on Unix.");
        string sound = await _folder.LeaveConversationAsync();
        string id = await _folder.LeaveConversationAsync();
        await DamageAsync(_folder.FileOf(id), _folder.FileOf(sound), damage);

        using MixKvqChatClient client = _folder.Open();
        ArgumentException refusal = await Assert.ThrowsAsync<ArgumentException>(() => SpillFolder.AskAsync(client, id, "3")).WaitAsync(TimeSpan.FromMinutes(2), Cancellation);
        Assert.Contains(id, refusal.Message, StringComparison.Ordinal);
        string warning = Assert.Single(_folder.Warnings);
        Assert.Contains(_folder.FileOf(id), warning, StringComparison.Ordinal);
        Assert.Equal([id + ".mixkvq"], new DirectoryInfo(_folder.PathOf("refused")).EnumerateFileSystemInfos().Select(file => file.Name));
        Assert.Equal("1 2 3", (await SpillFolder.AskAsync(client, sound, "3")).Text);

        ChatMessage[] history = [new(ChatRole.User, $"other {SpillFolder.First("y")}"), new(ChatRole.Assistant, "1"), new(ChatRole.User, "question 2?")];
        ChatResponse response = await client.GetResponseAsync(history, cancellationToken: Cancellation);
        Assert.Equal("1 2", response.Text);
        Assert.Equal(response.Usage!.InputTokenCount, SpillFolder.Prefilled(response));
        Assert.Single(_folder.Warnings);
    }

    [Fact]
    public async Task AFolderInTheFilesPlace_IsLeftAlone_AndTheConversationIsUnknown()
    {
        string id = await _folder.LeaveConversationAsync();
        File.Delete(_folder.FileOf(id));
        Directory.CreateDirectory(_folder.FileOf(id));
        using MixKvqChatClient client = _folder.Open();
        await Assert.ThrowsAsync<ArgumentException>(() => SpillFolder.AskAsync(client, id, "3"));
        Assert.Equal("1 2", (await SpillFolder.AskAsync(client, (await client.GetResponseAsync("question 1?", cancellationToken: Cancellation)).ConversationId!, "2")).Text);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("cut off")]
    [InlineData("changed")]
    [InlineData("a folder")]
    public async Task AConversationThatLostAPage_IsReadAnewOnce(string damage)
    {
        string id = await _folder.LeaveConversationAsync();
        string page = new DirectoryInfo(_folder.PathOf("pages")).EnumerateFiles().MaxBy(file => file.Length)!.FullName;
        switch (damage)
        {
            case "missing":
                File.Delete(page);
                break;
            case "a folder":
                File.Delete(page);
                Directory.CreateDirectory(page);
                break;
            default:
                await DamageAsync(page, page, damage);
                break;
        }

        using (MixKvqChatClient client = _folder.Open())
        {
            ChatResponse third = await SpillFolder.AskAsync(client, id, "3");
            Assert.Equal("1 2 3", third.Text);
            Assert.Equal(third.Usage!.InputTokenCount, SpillFolder.Prefilled(third));
            Assert.Contains(id, _folder.Warnings.First(), StringComparison.Ordinal);
            ChatResponse fourth = await SpillFolder.AskAsync(client, id, "4");
            Assert.Equal("1 2 3 4", fourth.Text);
            Assert.InRange(SpillFolder.Prefilled(fourth), 1, TurnTokens);
        }

        if (damage != "a folder")
        {
            Assert.Single(_folder.Warnings);
            using MixKvqChatClient later = _folder.Open();
            Assert.InRange(SpillFolder.Prefilled(await SpillFolder.AskAsync(later, id, "5")), 1, TurnTokens);
        }
    }

    /// <summary>The text was read before the rest was.</summary>
    [Fact]
    public async Task AConversationWhoseFileIsBrokenInItsCacheOnly_GoesOnAndIsReadAnewOnce()
    {
        string id = await _folder.LeaveConversationAsync();
        await DamageAsync(_folder.FileOf(id), _folder.FileOf(id), "changed at its end");
        using (MixKvqChatClient client = _folder.Open())
        {
            ChatResponse third = await SpillFolder.AskAsync(client, id, "3");
            Assert.Equal("1 2 3", third.Text);
            Assert.Equal(third.Usage!.InputTokenCount, SpillFolder.Prefilled(third));
            Assert.Contains(_folder.Warnings, line => line.Contains("open part", StringComparison.Ordinal) && line.Contains(id, StringComparison.Ordinal));
        }

        using MixKvqChatClient later = _folder.Open();
        ChatResponse fourth = await SpillFolder.AskAsync(later, id, "4");
        Assert.Equal("1 2 3 4", fourth.Text);
        Assert.InRange(SpillFolder.Prefilled(fourth), 1, TurnTokens);
    }

    [Fact]
    public async Task ConversationsOfAnotherModel_AreSetAside()
    {
        string id = await _folder.LeaveConversationAsync();
        ScriptedModel other = SpillFolder.NewModel();
        ((ScriptedSequenceFactory)other.Sequences).Signature = new("another", "none", "ids");
        using MixKvqChatClient client = _folder.Open(other);
        ArgumentException refusal = await Assert.ThrowsAsync<ArgumentException>(() => SpillFolder.AskAsync(client, id, "3"));
        Assert.Contains("the log says why", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("another model", Assert.Single(_folder.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConversationsOfARealModelWithOtherBits_AreSetAside_AndTheHistoryIsReadAnew()
    {
        using TinyModel model = TinyModel.OfChats();
        string question = string.Concat(Enumerable.Repeat("the other hour in all ", 20));
        ChatResponse first;
        await using (var client = new MixKvqChatClient(ChatLoop.Options(model.Folder, _folder.Path), _folder.Log))
        {
            first = await client.GetResponseAsync(question, ChatLoop.TurnOptions(model.Folder), Cancellation);
        }

        MixKvqOptions options = ChatLoop.Options(model.Folder, _folder.Path);
        options.Cache.TargetBits = 4;
        await using var other = new MixKvqChatClient(options, _folder.Log);
        await Assert.ThrowsAsync<ArgumentException>(() => other.GetResponseAsync("More?", ChatLoop.TurnOptions(model.Folder, first.ConversationId), Cancellation));
        string warning = Assert.Single(_folder.Warnings);
        Assert.Contains("another cache", warning, StringComparison.Ordinal);
        Assert.Contains(first.ConversationId!, warning, StringComparison.Ordinal);

        ChatMessage[] history = [new(ChatRole.User, question), .. first.Messages, new(ChatRole.User, "More?")];
        ChatResponse second = await other.GetResponseAsync(history, ChatLoop.TurnOptions(model.Folder), Cancellation);
        options.Cache.SpillDirectory = null;
        await using var alone = new MixKvqChatClient(options);
        Assert.Equal((await alone.GetResponseAsync(history, ChatLoop.TurnOptions(model.Folder), Cancellation)).Text, second.Text);
        Assert.Equal(second.Usage!.InputTokenCount, SpillFolder.Prefilled(second));
    }

    private static async Task DamageAsync(string path, string other, string damage)
    {
        byte[] bytes = await File.ReadAllBytesAsync(path, Cancellation);
        switch (damage)
        {
            case "cut off":
                await File.WriteAllBytesAsync(path, bytes[..(bytes.Length / 2)], Cancellation);
                break;
            case "one byte long":
                await File.WriteAllBytesAsync(path, bytes[..1], Cancellation);
                break;
            case "empty":
                await File.WriteAllBytesAsync(path, [], Cancellation);
                break;
            case "changed":
                bytes[^(bytes.Length / 3)] ^= 4;
                await File.WriteAllBytesAsync(path, bytes, Cancellation);
                break;
            case "changed at its end":
                bytes[^1] ^= 4;
                await File.WriteAllBytesAsync(path, bytes, Cancellation);
                break;
            case "changed in its text":
                bytes[4096 + 100] ^= 4;
                await File.WriteAllBytesAsync(path, bytes, Cancellation);
                break;
            case "a stranger's":
                await File.WriteAllTextAsync(path, "hello", Cancellation);
                break;
            case "a link":
                File.Move(path, path + ".moved");
                File.CreateSymbolicLink(path, path + ".moved");
                break;
            case "a link to nothing":
                File.Delete(path);
                File.CreateSymbolicLink(path, path + ".nowhere");
                break;
            case "a pipe":
                File.Delete(path);
                using (var process = Process.Start("mkfifo", [path]))
                {
                    await process.WaitForExitAsync(Cancellation);
                }

                break;
            case "another conversation's":
                File.Copy(other, path, overwrite: true);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(damage), damage, "Unknown.");
        }
    }
}
