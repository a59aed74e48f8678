using System.ComponentModel;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel;
using MixKVQ.AgentConnector.Tests.Conversations;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace MixKVQ.AgentConnector.Tests.ModelContextProtocol;

/// <summary>Tools of a server of the Model Context Protocol, offered to the model as functions.</summary>
public sealed class McpToolTests
{
    private const string Result = "<tool_response>\n17 bolts on shelf 2\n</tool_response>";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Tool_IsOfferedCalledAndItsResultRead(bool stateful, bool streaming)
    {
        await using InProcessMcpServer server = await InProcessMcpServer.StartAsync(Cancellation, StockTool());
        IList<McpClientTool> tools = await server.Client.ListToolsAsync(cancellationToken: Cancellation);
        var model = new ScriptedModel(prompt => prompt.Contains(Result, StringComparison.Ordinal) ? "There are 17." : Call("stock"));
        using IChatClient client = model.CreateClient(options => options.Stateful = stateful).AsBuilder().UseFunctionInvocation().Build();
        var options = new ChatOptions { Tools = [.. tools] };

        ChatResponse response = streaming
            ? await client.GetStreamingResponseAsync("How many?", options, Cancellation).ToChatResponseAsync(Cancellation)
            : await client.GetResponseAsync("How many?", options, Cancellation);

        Assert.Equal("There are 17.", response.Messages[^1].Text);
        string offered = model.Tokenizer.Decode(model.SeenPrompts.First());
        Assert.Contains("\"name\": \"stock\"", offered, StringComparison.Ordinal);
        Assert.Contains("\"description\": \"Counts an item.\"", offered, StringComparison.Ordinal);
        Assert.Contains("\"item\": {\"description\": \"The item.\", \"type\": \"string\"}", offered, StringComparison.Ordinal);
        Assert.Contains("\"required\": [\"item\", \"shelf\"]", offered, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FailingTool_IsToldToTheModel()
    {
        McpServerTool broken = McpServerTool.Create(string () => throw new InvalidOperationException("The shelf fell over."), new() { Name = "broken" });
        await using InProcessMcpServer server = await InProcessMcpServer.StartAsync(Cancellation, broken);
        IList<McpClientTool> tools = await server.Client.ListToolsAsync(cancellationToken: Cancellation);
        var model = new ScriptedModel(prompt => prompt.Contains("<tool_response>", StringComparison.Ordinal) ? "It failed." : Call("broken"));
        using IChatClient client = model.CreateClient().AsBuilder().UseFunctionInvocation().Build();

        ChatResponse response = await client.GetResponseAsync("How many?", new ChatOptions { Tools = [.. tools] }, Cancellation);

        Assert.Equal("It failed.", response.Messages[^1].Text);
        Assert.Matches("<tool_response>\n.*(error|Error).*\n</tool_response>", model.Tokenizer.Decode(model.SeenPrompts.Last()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StructuredResult_IsReadAsJson(bool viaKernel)
    {
        McpServerTool stock = McpServerTool.Create((string item, int shelf) => new { item, count = 17 }, new() { Name = "stock", UseStructuredContent = true });
        await using InProcessMcpServer server = await InProcessMcpServer.StartAsync(Cancellation, stock);
        IList<McpClientTool> tools = await server.Client.ListToolsAsync(cancellationToken: Cancellation);
        var model = new ScriptedModel(prompt => prompt.Contains("<tool_response>", StringComparison.Ordinal) ? "There are 17." : Call(viaKernel ? "Store-stock" : "stock"));
        using MixKvqChatClient client = model.CreateClient();

        if (viaKernel)
        {
            await AskKernelAsync(client, tools);
        }
        else
        {
            using IChatClient invoking = client.AsBuilder().UseFunctionInvocation().Build();
            await invoking.GetResponseAsync("How many?", new ChatOptions { Tools = [.. tools] }, Cancellation);
        }

        Assert.Matches("<tool_response>\n\\{.*\"count\": ?17.*\\}\n</tool_response>", model.Tokenizer.Decode(model.SeenPrompts.Last()));
    }

    [Fact]
    public async Task Tool_IsAFunctionOfAKernel()
    {
        await using InProcessMcpServer server = await InProcessMcpServer.StartAsync(Cancellation, StockTool());
        IList<McpClientTool> tools = await server.Client.ListToolsAsync(cancellationToken: Cancellation);
        var model = new ScriptedModel(prompt => prompt.Contains(Result, StringComparison.Ordinal) ? "There are 17." : Call("Store-stock"));
        using MixKvqChatClient client = model.CreateClient();

        string answer = await AskKernelAsync(client, tools);

        Assert.Equal("There are 17.", answer);
        Assert.Contains("\"description\": \"Counts an item.\"", model.Tokenizer.Decode(model.SeenPrompts.First()), StringComparison.Ordinal);
    }

    private static McpServerTool StockTool() => McpServerTool.Create(
        ([Description("The item.")] string item, int shelf) => $"17 {item}s on shelf {shelf}",
        new() { Name = "stock", Description = "Counts an item." });

    private static string Call(string name) => $"<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {{\"item\": \"bolt\", \"shelf\": 2}}}}\n</tool_call>";

    private static async Task<string> AskKernelAsync(MixKvqChatClient client, IEnumerable<McpClientTool> tools)
    {
        var kernel = new Kernel();
        kernel.Plugins.AddFromFunctions("Store", tools.Select(tool => tool.AsKernelFunction()));
        var settings = new MixKvqPromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };
        return (await new MixKvqChatCompletionService(client).GetChatMessageContentsAsync(new ChatHistory { new(AuthorRole.User, "How many?") }, settings, kernel, Cancellation))[0].Content!;
    }
}
