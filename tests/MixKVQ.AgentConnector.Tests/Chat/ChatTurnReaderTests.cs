using System.Text.Json;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Chat;

namespace MixKVQ.AgentConnector.Tests.Chat;

public sealed class ChatTurnReaderTests
{
    [Fact]
    public void EveryToolResult_IsATurnOfItsOwn()
    {
        List<ChatTurn> turns = ChatTurnReader.Read(
        [
            new ChatMessage(ChatRole.Tool, [new FunctionResultContent("a", "one"), new FunctionResultContent("b", JsonSerializer.SerializeToElement("two"))]),
            new ChatMessage(ChatRole.Tool, [new FunctionResultContent("c", new { Count = 3 }), new FunctionResultContent("d", null)]),
        ]);

        Assert.Equal(["one", "two", "{\"count\":3}", "null"], turns.Select(turn => turn.Text));
        Assert.Equal(["a", "b", "c", "d"], turns.Select(turn => turn.CallId));
        Assert.All(turns, turn => Assert.Equal(TurnRole.Tool, turn.Role));
    }

    [Fact]
    public void TurnsAreTheSame_WhateverFrameworksDoToThoughtsIdsAndArguments()
    {
        ChatTurn generated = Single(new ChatMessage(
            ChatRole.Assistant,
            [new TextReasoningContent("Hm."), new TextContent("Let me "), new TextContent("look."), new FunctionCallContent("1", "f", Arguments("""{"a": 1, "b": {"x": [true, null, "s"], "y": 0.50}}"""))]));
        ChatTurn returned = Single(new ChatMessage(
            ChatRole.Assistant,
            [new TextContent("Let me look."), new FunctionCallContent("other", "f", new Dictionary<string, object?> { ["b"] = JsonSerializer.SerializeToElement(new { y = 0.5, x = new object?[] { true, null, "s" } }), ["a"] = "1" })]));

        Assert.True(generated.SaysTheSameAs(returned));
    }

    [Theory]
    [InlineData("""{"a": 1}""", """{"a": 2}""")]
    [InlineData("""{"a": [1, 2]}""", """{"a": [12]}""")]
    [InlineData("""{"a": 1}""", """{"a": 1, "b": null}""")]
    [InlineData("""{"a": {}}""", """{"a": []}""")]
    public void CallsWithOtherArguments_Differ(string one, string other)
    {
        ChatTurn first = Single(new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("1", "f", Arguments(one))]));
        ChatTurn second = Single(new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("1", "f", Arguments(other))]));
        Assert.False(first.SaysTheSameAs(second));
    }

    [Fact]
    public void ContentThatIsNotText_IsRefusedByName()
    {
        var message = new ChatMessage(ChatRole.User, [new TextContent("What is this?"), new DataContent(new byte[] { 1 }, "image/png")]);
        Assert.Contains("DataContent", Assert.Throws<NotSupportedException>(() => ChatTurnReader.Read([message])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoMessages_AreRefused() => Assert.Throws<ArgumentException>(() => ChatTurnReader.Read([]));

    [Fact]
    public void UnknownRole_IsRefusedByName() =>
        Assert.Contains("narrator", Assert.Throws<ArgumentException>(() => ChatTurnReader.Read([new ChatMessage(new ChatRole("narrator"), "Once")])).Message, StringComparison.Ordinal);

    private static ChatTurn Single(ChatMessage message) => Assert.Single(ChatTurnReader.Read([message]));

    private static Dictionary<string, object?> Arguments(string json) => JsonSerializer.Deserialize<Dictionary<string, object?>>(json)!;
}
