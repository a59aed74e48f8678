using System.Text.Json;
using Microsoft.SemanticKernel;

namespace PlannerAgent;

/// <summary>Prints what each function returned, or why it failed.</summary>
internal sealed class ToolResultPrinter(DialogueConsole console) : IAutoFunctionInvocationFilter
{
    public async Task OnAutoFunctionInvocationAsync(AutoFunctionInvocationContext context, Func<AutoFunctionInvocationContext, Task> next)
    {
        try
        {
            await next(context);
            console.Result(JsonSerializer.Serialize(context.Result.GetValue<object>()));
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            console.Result(fault.Message);
            throw;
        }
    }
}
