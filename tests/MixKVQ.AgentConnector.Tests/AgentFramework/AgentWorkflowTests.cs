using System.Text.RegularExpressions;
using Microsoft.Agents.AI;
using Microsoft.Agents.AI.Workflows;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.AgentFramework;

/// <summary>Several agents over one client in a workflow.</summary>
public sealed class AgentWorkflowTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Agent_HandsOverToAnother(bool stateful)
    {
        var model = new ScriptedModel(prompt => prompt.Contains("You do sums.", StringComparison.Ordinal)
            ? "<think>\nEasy.\n</think>\n\n3."
            : $"<think>\nNot mine.\n</think>\n\n<tool_call>\n{{\"name\": \"{Regex.Match(prompt, "\"name\": \"(handoff_to_[^\"]+)\"").Groups[1].Value}\", \"arguments\": {{\"reasonForHandoff\": \"a sum\"}}}}\n</tool_call>");
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = stateful);
        var triage = new ChatClientAgent(client, "You find the right agent.", "Triage", "Finds the right agent.");
        var sums = new ChatClientAgent(client, "You do sums.", "Sums", "Does sums.");
        Workflow workflow = AgentWorkflowBuilder.CreateHandoffBuilderWith(triage).WithHandoff(triage, sums, "For sums.").Build();

        List<ChatMessage> output = await RunAsync(workflow, "1 + 2?");

        Assert.Equal(("Sums", "3."), (output[^1].AuthorName, output[^1].Text));
        Assert.Equal(2, model.SeenPrompts.Count);
        Assert.Contains("1 + 2?<|im_end|>", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Agents_InSequenceReadOneAnother(bool stateful)
    {
        var model = new ScriptedModel(prompt => prompt.Contains("You shorten.", StringComparison.Ordinal) ? "<think>\nHm.\n</think>\n\nShort." : "A long, long text.");
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = stateful);
        Workflow workflow = AgentWorkflowBuilder.BuildSequential(
            [new ChatClientAgent(client, "You write.", "Writer"), new ChatClientAgent(client, "You shorten.", "Editor")]);

        List<ChatMessage> output = await RunAsync(workflow, "Write.");

        Assert.Equal(("Editor", "Short."), (output[^1].AuthorName, output[^1].Text));
        Assert.Contains("A long, long text.", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agents_BesideOneAnotherAnswerBoth()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("You praise.", StringComparison.Ordinal) ? "Good." : "Bad.");
        using MixKvqChatClient client = model.CreateClient();
        Workflow workflow = AgentWorkflowBuilder.BuildConcurrent(
            [new ChatClientAgent(client, "You praise.", "Friend"), new ChatClientAgent(client, "You blame.", "Critic")]);

        List<ChatMessage> output = await RunAsync(workflow, "Judge.");

        Assert.Equal(["Critic: Bad.", "Friend: Good."], output.Select(message => $"{message.AuthorName}: {message.Text}").Order());
    }

    [Fact]
    public async Task Workflow_IsAnAgentWithASession()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("You shorten.", StringComparison.Ordinal) ? "Short." : "A long, long text.");
        using MixKvqChatClient client = model.CreateClient();
        AIAgent agent = AgentWorkflowBuilder.BuildSequential(
            [new ChatClientAgent(client, "You write.", "Writer"), new ChatClientAgent(client, "You shorten.", "Editor")]).AsAIAgent();
        AgentSession session = await agent.CreateSessionAsync(Cancellation);

        AgentResponse first = await agent.Ask("Write.", session, streaming: true);
        AgentResponse second = await agent.Ask("Once more.", session);

        Assert.EndsWith("Short.", first.Text, StringComparison.Ordinal);
        Assert.EndsWith("Short.", second.Text, StringComparison.Ordinal);
        Assert.Equal(4, model.SeenPrompts.Count);
        Assert.Contains("Once more.<|im_end|>", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
    }

    private static async Task<List<ChatMessage>> RunAsync(Workflow workflow, string question)
    {
        await using StreamingRun run = await InProcessExecution.RunStreamingAsync(workflow, new List<ChatMessage> { new(ChatRole.User, question) }, cancellationToken: Cancellation);
        await run.TrySendMessageAsync(new TurnToken(emitEvents: true));
        List<ChatMessage> output = [];
        await foreach (WorkflowEvent step in run.WatchStreamAsync(Cancellation))
        {
            if (step is WorkflowErrorEvent { Data: Exception fault })
            {
                throw fault;
            }

            if (step is WorkflowOutputEvent done && done.Is(out List<ChatMessage>? messages))
            {
                output = messages!;
            }
        }

        return output;
    }
}
