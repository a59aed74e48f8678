using System.Text;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel;

namespace PlannerAgent;

/// <summary>
/// A dialogue with the planner. The whole history goes to the service each time; the service finds in its retained
/// caches what the model has read of it. Not thread-safe.
/// </summary>
internal sealed class PlannerSession(Kernel kernel, DialogueConsole console)
{
    /// <summary>A small model may repeat itself; this ends it.</summary>
    private const int MaxTokensPerRequest = 400;

    private readonly IChatCompletionService _chat = kernel.GetRequiredService<IChatCompletionService>();
    private readonly ChatHistory _history = new(PlannerDialogue.SystemPrompt);
    private readonly MixKvqPromptExecutionSettings _settings = new()
    {
        Temperature = 0,
        MaxTokens = MaxTokensPerRequest,
        FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(),
    };

    /// <summary>Asks, prints everything as it comes, and gives the answer. A turn that fails leaves the history as it was.</summary>
    public async Task<string> AskAsync(string request, CancellationToken cancellationToken)
    {
        int messageCount = _history.Count;
        try
        {
            _history.AddUserMessage(request);
            ChatMessageContent answer = await StreamAsync(cancellationToken);
            _history.Add(answer);
            return answer.Content ?? "";
        }
        catch
        {
            _history.RemoveRange(messageCount, _history.Count - messageCount);
            throw;
        }
    }

    private async Task<ChatMessageContent> StreamAsync(CancellationToken cancellationToken)
    {
        var report = new TurnReport();
        StringBuilder thought = new();
        StringBuilder answer = new();
        await foreach (StreamingChatMessageContent part in _chat.GetStreamingChatMessageContentsAsync(_history, _settings, kernel, cancellationToken))
        {
            foreach (StreamingKernelContent item in part.Items)
            {
                switch (item)
                {
                    case StreamingReasoningContent piece:
                        thought.Append(piece.Text);
                        console.Thought(piece.Text);
                        break;
                    case StreamingTextContent piece:
                        answer.Append(piece.Text);
                        console.Answer(piece.Text ?? "");
                        break;
                    case StreamingFunctionCallUpdateContent call:
                        console.Call(call.Name ?? "", call.Arguments ?? "");
                        break;
                }
            }

            report.Add(part.Metadata);
            switch (part.Metadata?.GetValueOrDefault("FinishReason"))
            {
                case "tool_calls":
                    // The service keeps this request's message in the history itself.
                    thought.Clear();
                    answer.Clear();
                    break;
                case "length":
                    console.Fault($"The answer was cut off after {MaxTokensPerRequest} tokens.");
                    break;
            }
        }

        console.Report(report);
        var message = new ChatMessageContent { Role = AuthorRole.Assistant };
        if (thought.Length > 0)
        {
            message.Items.Add(new ReasoningContent(thought.ToString()));
        }

        message.Items.Add(new TextContent(answer.ToString()));
        return message;
    }
}
