namespace MixKVQ.AgentConnector.GpuCheck;

/// <summary>A part of the check that can be run alone.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="About">What it finds out, for its heading.</param>
/// <param name="RunAsync">Does it; what it throws is a failure of this stage alone.</param>
internal sealed record CheckStage(string Name, string About, Func<CheckMachine, Task> RunAsync)
{
    /// <summary>A stage that does its work at once.</summary>
    public CheckStage(string name, string about, Action<CheckMachine> run)
        : this(name, about, machine =>
        {
            run(machine);
            return Task.CompletedTask;
        })
    {
    }
}
