using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.ExtensionsAI;

/// <summary>Microsoft.Extensions.AI's function invocation over the real client.</summary>
public sealed class FunctionInvocationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task ManyRounds_ReadEveryTokenOnce(bool stateful, bool streaming)
    {
        // A call in each of the first four requests, two in the second.
        var model = new ScriptedModel(prompt => Regex.Count(prompt, "<tool_response>") switch
        {
            0 => Call("a"),
            1 => $"{Call("b")}\n{Call("c")}",
            3 => Call("d"),
            4 => Call("e"),
            _ => "<think>\nEnough.\n</think>\n\nDone.",
        });
        using IChatClient client = model.CreateClient(options => options.Stateful = stateful).AsBuilder().UseFunctionInvocation().Build();
        List<string> stepped = [];
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((string to) => stepped.Add(to), "step")] };

        ChatResponse response = streaming
            ? await client.GetStreamingResponseAsync("Go.", options, Cancellation).ToChatResponseAsync(Cancellation)
            : await client.GetResponseAsync("Go.", options, Cancellation);

        Assert.Equal("Done.", response.Messages[^1].Text);
        Assert.Equal(["a", "b", "c", "d", "e"], stepped);
        Assert.Equal(5, model.SeenPrompts.Count);
        long lastAnswer = "\nEnough.\n\n\nDone.".Length + 2;
        Assert.Equal(model.SeenPrompts.Last().Length + lastAnswer, response.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens] + response.Usage.OutputTokenCount);
        Assert.Equal(stateful, response.ConversationId is not null);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ConcurrentCalls_RunBesideOneAnotherAndKeepTheirOrder(bool stateful)
    {
        var model = new ScriptedModel(prompt => prompt.Contains("<tool_response>", StringComparison.Ordinal) ? "Done." : $"{Call("a")}\n{Call("b")}");
        using IChatClient client = model.CreateClient(options => options.Stateful = stateful)
            .AsBuilder()
            .UseFunctionInvocation(configure: invoker => invoker.AllowConcurrentInvocation = true)
            .Build();
        var second = new TaskCompletionSource();
        var options = new ChatOptions
        {
            // The first call ends only when the second has begun.
            Tools = [AIFunctionFactory.Create(
                async (string to) =>
                {
                    if (to == "b")
                    {
                        second.SetResult();
                    }

                    await second.Task.WaitAsync(Cancellation);
                    return $"At {to}.";
                },
                "step")],
        };

        await client.GetResponseAsync("Go.", options, Cancellation);

        Assert.Contains(
            "<tool_response>\nAt a.\n</tool_response><|im_end|>\n<|im_start|>user\n<tool_response>\nAt b.\n</tool_response>",
            model.Tokenizer.Decode(model.SeenPrompts.Last()),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failures_AreToldToTheModel()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("<tool_response>", StringComparison.Ordinal) ? "Sorry." : Call("a"));
        using IChatClient client = model.CreateClient().AsBuilder().UseFunctionInvocation(configure: invoker => invoker.IncludeDetailedErrors = true).Build();
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(string (string to) => throw new InvalidOperationException("The ladder broke."), "step")] };

        ChatResponse response = await client.GetResponseAsync("Go.", options, Cancellation);

        Assert.Equal("Sorry.", response.Messages[^1].Text);
        Assert.Contains("The ladder broke.", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CallThatNeedsApproval_WaitsForIt(bool stateful)
    {
        var model = new ScriptedModel(prompt => prompt.Contains("At a.", StringComparison.Ordinal) ? "Done." : Call("a"));
        using IChatClient client = model.CreateClient(options => options.Stateful = stateful).AsBuilder().UseFunctionInvocation().Build();
        int steps = 0;
        AIFunction step = AIFunctionFactory.Create(
            (string to) =>
            {
                steps++;
                return $"At {to}.";
            },
            "step");
        var options = new ChatOptions { Tools = [new ApprovalRequiredAIFunction(step)] };
        List<ChatMessage> messages = [new(ChatRole.User, "Go.")];

        ChatResponse asked = await client.GetResponseAsync(messages, options, Cancellation);
        ToolApprovalRequestContent request = Assert.Single(asked.Messages.SelectMany(message => message.Contents).OfType<ToolApprovalRequestContent>());
        Assert.Equal(0, steps);
        options.ConversationId = asked.ConversationId;
        messages = stateful ? [] : [.. messages, .. asked.Messages];
        messages.Add(new ChatMessage(ChatRole.User, [request.CreateResponse(approved: true)]));
        ChatResponse answered = await client.GetResponseAsync(messages, options, Cancellation);

        Assert.Equal((1, "Done."), (steps, answered.Messages[^1].Text));
        Assert.Equal(model.SeenPrompts.First(), model.SeenPrompts.Last()[..model.SeenPrompts.First().Length]);
    }

    private static string Call(string to) => $"<tool_call>\n{{\"name\": \"step\", \"arguments\": {{\"to\": \"{to}\"}}}}\n</tool_call>";
}
