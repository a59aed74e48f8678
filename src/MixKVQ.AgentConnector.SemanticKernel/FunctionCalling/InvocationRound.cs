using Microsoft.SemanticKernel;

namespace MixKVQ.AgentConnector.SemanticKernel.FunctionCalling;

/// <summary>One pass of the tool loop.</summary>
/// <param name="Choice">What was offered.</param>
/// <param name="Settings">The caller's settings, for filters to see.</param>
/// <param name="RequestIndex">The pass, from 0.</param>
/// <param name="IsStreaming">Whether the caller reads a stream.</param>
/// <param name="CancellationToken">Ends the pass.</param>
internal sealed record InvocationRound(
    ResolvedFunctionChoice Choice,
    PromptExecutionSettings? Settings,
    int RequestIndex,
    bool IsStreaming,
    CancellationToken CancellationToken);
