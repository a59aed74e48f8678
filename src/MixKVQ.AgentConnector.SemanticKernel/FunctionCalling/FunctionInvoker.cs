using Microsoft.Extensions.Logging;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel.Mapping;

namespace MixKVQ.AgentConnector.SemanticKernel.FunctionCalling;

/// <summary>
/// Invokes the calls of one response through the kernel's auto invocation filters and adds a result for each to the
/// history: what a function returned, or, for the model to correct itself, what went wrong.
/// </summary>
/// <param name="kernel">Holds the filters; passed to the functions.</param>
/// <param name="logger">Told of every call's end.</param>
internal sealed class FunctionInvoker(Kernel kernel, ILogger logger)
{
    /// <summary>Invokes all calls of <paramref name="message"/>, which is the history's last.</summary>
    /// <returns>Whether a filter asked to end the loop; calls after that one have no result unless they ran beside it.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="round"/> is cancelled.</exception>
    public async Task<bool> InvokeAllAsync(ChatMessageContent message, ChatHistory history, InvocationRound round)
    {
        FunctionCallContent[] calls = [.. FunctionCallContent.GetFunctionCalls(message)];
        if (round.Choice.Concurrent && calls.Length > 1)
        {
            (string Text, bool Terminate)[] outcomes = await Task.WhenAll(
                calls.Select((call, index) => InvokeAsync(call, index, calls.Length, message, history, round))).ConfigureAwait(false);
            foreach ((FunctionCallContent call, (string text, _)) in calls.Zip(outcomes))
            {
                AddResult(history, call, text);
            }

            return outcomes.Any(outcome => outcome.Terminate);
        }

        for (int index = 0; index < calls.Length; index++)
        {
            (string text, bool terminate) = await InvokeAsync(calls[index], index, calls.Length, message, history, round).ConfigureAwait(false);
            AddResult(history, calls[index], text);
            if (terminate)
            {
                return true;
            }
        }

        return false;
    }

    private static void AddResult(ChatHistory history, FunctionCallContent call, string text)
    {
        var message = new ChatMessageContent(AuthorRole.Tool, text);
        message.Items.Add(new FunctionResultContent(call, text));
        history.Add(message);
    }

    private async Task<(string Text, bool Terminate)> InvokeAsync(
        FunctionCallContent call, int index, int count, ChatMessageContent message, ChatHistory history, InvocationRound round)
    {
        string name = FunctionNames.Qualify(call.PluginName, call.FunctionName);
        if (call.Exception is { } unread)
        {
            return Refuse(name, $"Error: The call of '{name}' could not be read: {unread.Message}");
        }

        if (!round.Choice.Functions.TryGet(name, out KernelFunction? function))
        {
            return Refuse(name, $"Error: There is no function '{name}'.");
        }

        var context = new AutoFunctionInvocationContext(kernel, function, new FunctionResult(function) { Culture = kernel.Culture }, history, message)
        {
            Arguments = call.Arguments,
            ExecutionSettings = round.Settings,
            RequestSequenceIndex = round.RequestIndex,
            FunctionSequenceIndex = index,
            FunctionCount = count,
            ToolCallId = call.Id,
            IsStreaming = round.IsStreaming,
            CancellationToken = round.CancellationToken,
        };
        try
        {
            await RunFiltersAsync(context, 0).ConfigureAwait(false);
            string text = FunctionResultText.Of(context.Result.GetValue<object>());
            logger.Invoked(name, text.Length);
            return (text, context.Terminate);
        }
        catch (OperationCanceledException) when (round.CancellationToken.IsCancellationRequested)
        {
            throw;
        }
#pragma warning disable CA1031 // Whatever a function or filter throws is the model's to read.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            logger.InvocationFailed(fault, name);
            return ($"Error: '{name}' failed: {fault.Message}", context.Terminate);
        }
    }

    private (string Text, bool Terminate) Refuse(string name, string reason)
    {
        logger.CallRefused(name, reason);
        return (reason, false);
    }

    /// <summary>Runs the filters from <paramref name="index"/> on, each around the next, and the function innermost.</summary>
    private async Task RunFiltersAsync(AutoFunctionInvocationContext context, int index)
    {
        if (index < kernel.AutoFunctionInvocationFilters.Count)
        {
            await kernel.AutoFunctionInvocationFilters[index]
                .OnAutoFunctionInvocationAsync(context, next => RunFiltersAsync(next, index + 1))
                .ConfigureAwait(false);
        }
        else if (!context.Terminate)
        {
            // The settings stay behind: they are this request's, not those of prompts inside the function.
            context.Result = await context.Function.InvokeAsync(kernel, context.Arguments, context.CancellationToken).ConfigureAwait(false);
        }
    }
}
