using PlannerAgent;

PlannerOptions options;
try
{
    options = PlannerOptions.Parse(args);
}
catch (ArgumentException fault)
{
    Console.Error.WriteLine(fault.Message);
    Console.Error.WriteLine(PlannerOptions.Usage);
    return 2;
}

if (options.Help)
{
    Console.WriteLine(PlannerOptions.Usage);
    return 0;
}

using var interrupt = new CancellationTokenSource();
Console.CancelKeyPress += (_, press) =>
{
    // Where a person types, the process waits for input, not for the token.
    press.Cancel = !options.Interactive;
    interrupt.Cancel();
};
try
{
    return await PlannerProgram.RunAsync(options, DialogueConsole.Create(), interrupt.Token);
}
catch (OperationCanceledException) when (interrupt.IsCancellationRequested)
{
    Console.Error.WriteLine("Interrupted.");
    return 130;
}
#pragma warning disable CA1031 // The outermost: whatever failed is said, and the exit code tells.
catch (Exception fault)
#pragma warning restore CA1031
{
    Console.Error.WriteLine($"{fault.GetType().Name}: {fault.Message}");
    return 1;
}
