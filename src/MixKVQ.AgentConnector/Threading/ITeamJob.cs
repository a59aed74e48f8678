namespace MixKVQ.AgentConnector.Threading;

/// <summary>Work that divides into items which may run at the same time, in any order.</summary>
internal interface ITeamJob
{
    /// <summary>Does one item.</summary>
    /// <param name="item">From 0 to the count that <see cref="WorkerTeam.Run"/> was given, less one; each once.</param>
    /// <param name="worker">Who does it, from 0 (the caller's thread) to <see cref="WorkerTeam.Size"/> less one: two items of one worker never overlap, so scratch memory may be kept by worker.</param>
    void Execute(int item, int worker);
}
