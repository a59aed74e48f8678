using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Conversations.Storage;

namespace MixKVQ.AgentConnector.Tests.Conversations.Storage;

/// <summary>What is written of a conversation says the same when it is read.</summary>
public sealed class ConversationJsonTests
{
    [Fact]
    public void AnyConversation_IsReadAsItWas() => SavedRandomly.Conversation.Sample(
        saved =>
        {
            SavedConversation read = Read(ConversationJsonWriter.Write(saved), saved.Tokens.Range(0, saved.Tokens.Count));

            // Records that hold lists and trees are compared piece by piece; all else is compared as one.
            Assert.Equal(saved with { Tokens = read.Tokens, Dialogue = read.Dialogue, Settings = read.Settings, AnswerEnds = read.AnswerEnds }, read);
            Assert.Equal(saved.StartedAt.Offset, read.StartedAt.Offset);
            Assert.Equal(saved.AnswerEnds, read.AnswerEnds);
            Assert.Equal(saved.Tokens.Range(0, saved.Tokens.Count), read.Tokens.Range(0, read.Tokens.Count));
            Assert.Equal(saved.Tokens.Segments, read.Tokens.Segments);
            Assert.Equal(saved.Settings.Key, read.Settings.Key);
            Assert.Equal(saved.Settings.Instructions, read.Settings.Instructions);
            Assert.True(JsonNode.DeepEquals(saved.Settings.Tools, read.Settings.Tools));
            Assert.Equal(saved.Dialogue.DroppedCount, read.Dialogue.DroppedCount);
            Assert.Equal(saved.Dialogue.LeftOutCount, read.Dialogue.LeftOutCount);
            Assert.Equal(saved.Dialogue.Turns.Count, read.Dialogue.Turns.Count);
            Assert.All(saved.Dialogue.Turns.Zip(read.Dialogue.Turns), pair => RequireEqual(pair.First, pair.Second));
        },
        iter: 300,
        threads: 1);

    [Fact]
    public void ArgumentsTooDeepToBeRead_AreNotWritten()
    {
        Assert.Single(Read(ConversationJsonWriter.Write(WithArguments(Nested(500))), []).Dialogue.Turns);
        var error = Assert.Throws<IOException>(() => ConversationJsonWriter.Write(WithArguments(Nested(600))));
        Assert.Contains("conv_aa", error.Message);
    }

    [Theory]
    [InlineData("\"isNamed\":true", "\"isNamed\":1", "isNamed")]
    [InlineData("\"isNamed\":true,", "", "isNamed")]
    [InlineData("\"startedAt\":\"", "\"startedAt\":\"x", "startedAt")]
    [InlineData("\"cachedTokens\":0", "\"cachedTokens\":1", "cachedTokens")]
    [InlineData("\"cachedTokens\":0", "\"cachedTokens\":-1", "cachedTokens")]
    [InlineData("\"cachedTokens\":0", "\"cachedTokens\":0.5", "cachedTokens")]
    [InlineData("\"cachedTokens\":0", "\"cachedTokens\":1e99", "cachedTokens")]
    [InlineData("\"dropped\":0", "\"dropped\":2", "dropped")]
    [InlineData("\"forgotten\":0", "\"forgotten\":2147483647", "forgotten")]
    [InlineData("\"role\":\"Assistant\"", "\"role\":\"2\"", "role")]
    [InlineData("\"turns\":[{", "\"turns\":[[],{", "role")]
    [InlineData("\"arguments\":{", "\"arguments\":[{},{", "valid JSON")]
    [InlineData("\"arguments\":{\"x\":1}", "\"arguments\":[]", "arguments")]
    [InlineData("\"arguments\":{\"x\":1}", "\"arguments\":null", "arguments")]
    [InlineData("\"arguments\":{\"x\":1}", "\"arguments\":{\"x\":1,\"x\":2}", "valid JSON")]
    [InlineData("\"arguments\":{\"x\":1}", "\"arguments\":{\"x\":\"\\ud800\"}", "valid JSON")]
    [InlineData("\"text\":\"Hi\"", "\"text\":null", "text")]
    [InlineData("\"text\":\"Hi\"", "\"text\":[65536]", "text")]
    [InlineData("\"text\":\"Hi\"", "\"text\":\"\\udc00\"", "valid JSON")]
    [InlineData("\"segments\":[]", "\"segments\":[{\"text\":\"\",\"isAdded\":false,\"end\":1}]", "segment")]
    [InlineData("\"answerEnds\":[]", "\"answerEnds\":[{\"turns\":9,\"tokens\":0}]", "turns")]
    [InlineData("\"answerEnds\":[]", "\"answerEnds\":[{\"turns\":1,\"tokens\":0},{\"turns\":1,\"tokens\":0}]", "order")]
    [InlineData("\"model\":\"m\"", "\"model\":\"m\\n\"", "signature")]
    [InlineData("\"tools\":null", "\"tools\":{}", "tools")]
    public void TextOfAStranger_IsRefusedWithItsFault(string part, string replacement, string fault)
    {
        string json = Encoding.UTF8.GetString(ConversationJsonWriter.Write(WithArguments(new JsonObject { ["x"] = 1 })).Span);
        Assert.Contains(part, json);
        Exception error = Assert.ThrowsAny<Exception>(() => Read(Encoding.UTF8.GetBytes(json.Replace(part, replacement)), []));
        string message = error is InvalidDataException ? error.Message : Assert.IsType<Exception>(error, exactMatch: false) is JsonException or InvalidOperationException ? "valid JSON" : error.ToString();
        Assert.Contains(fault, message);
    }

    [Theory]
    [InlineData(new[] { 2, 1 }, "ends at 1")]
    [InlineData(new[] { 2 }, "ends at token 2 of 3")]
    [InlineData(new[] { 1, 4 }, "ends at 4")]
    [InlineData(new int[0], "ends at token 0 of 3")]
    [InlineData(new[] { 1, 1, 3 }, "ends at 1")]
    public void SegmentsThatDoNotDivideTheTokens_AreRefused(int[] ends, string fault)
    {
        var error = Assert.Throws<InvalidDataException>(() => TokenLog.Of([1, 2, 3], ends.Select(end => new LoggedText("x", true, end))));
        Assert.Contains(fault, error.Message);
    }

    private static void RequireEqual(ChatTurn expected, ChatTurn actual)
    {
        Assert.Equal(expected with { Calls = [] }, actual with { Calls = [] });
        Assert.Equal(expected.Calls.Select(call => (call.Id, call.Name)), actual.Calls.Select(call => (call.Id, call.Name)));
        Assert.All(expected.Calls.Zip(actual.Calls), pair => Assert.True(JsonNode.DeepEquals(pair.First.Arguments, pair.Second.Arguments)));
    }

    private static SavedConversation Read(ReadOnlyMemory<byte> json, int[] ids)
    {
        using JsonDocument document = ConversationJsonReader.Parse(json);
        return ConversationJsonReader.Read(document.RootElement, ids);
    }

    private static SavedConversation WithArguments(JsonObject arguments) => new()
    {
        Id = "conv_aa",
        IsNamed = true,
        CreatedAt = default,
        LastUsedAt = default,
        StartedAt = default,
        Signature = new ModelSignature("m", "r", "c"),
        Tokens = new TokenLog(),
        Dialogue = new Dialogue([new ChatTurn(TurnRole.Assistant, "Hi") { Calls = [new ToolCall("1", "f", arguments)] }]),
        Settings = new PromptSettings(null, null, null),
        CachedTokens = 0,
        Usage = TinyTokenizer.Usage(0),
    };

    private static JsonObject Nested(int depth)
    {
        var json = new JsonObject();
        for (int i = 1; i < depth; i++)
        {
            json = new JsonObject { ["x"] = json };
        }

        return json;
    }
}
