using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.AgentFramework;

/// <summary>The model that the agents of these tests share, and figures of their runs.</summary>
internal static class AgentModel
{
    /// <summary>A new turn's tokens, for a question asked with <see cref="Ask"/>.</summary>
    public static int NewTokens(this ScriptedModel model, string question) =>
        model.Tokenizer.EncodePrompt($"<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n").Sum(segment => segment.TokenIds.Length);

    /// <summary>Asks the agent and joins the stream, if there is one.</summary>
    public static async Task<AgentResponse> Ask(this AIAgent agent, string question, AgentSession session, bool streaming = false)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        return streaming
            ? await agent.RunStreamingAsync(question, session, cancellationToken: cancellation).ToAgentResponseAsync(cancellation)
            : await agent.RunAsync(question, session, cancellationToken: cancellation);
    }

    /// <summary>The prompt's tokens that were read in the run, all requests together.</summary>
    public static long Prefilled(this AgentResponse response) => response.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens];
}
