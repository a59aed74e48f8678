using System.Collections.Concurrent;
using MixKVQ.AgentConnector.Threading;

namespace MixKVQ.AgentConnector.Tests.Threading;

public sealed class WorkerTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_item_of_every_job_is_done_once_and_before_the_run_returns(int size)
    {
        using var team = new WorkerTeam(size);
        for (int round = 0; round < 3000; round++)
        {
            var job = new CountingJob(round % 7, size);
            team.Run(job, job.Done.Length);
            Assert.All(job.Done, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void Workers_that_have_gone_to_sleep_wake_for_the_next_job()
    {
        using var team = new WorkerTeam(2);
        for (int round = 0; round < 5; round++)
        {
            Thread.Sleep(5);
            using var job = new MeetingJob();
            team.Run(job, 2);
            Assert.Equal([0, 1], job.Workers.Order());
        }
    }

    [Fact]
    public void An_exception_of_an_item_is_thrown_after_all_others_are_done_and_the_team_goes_on()
    {
        using var team = new WorkerTeam(3);
        for (int round = 0; round < 200; round++)
        {
            var job = new CountingJob(9, 3) { FailingItem = round % 9 };
            Assert.Throws<InvalidTimeZoneException>(() => team.Run(job, 9));
            Assert.All(job.Done, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void A_run_allocates_nothing()
    {
        using var team = new WorkerTeam(2);
        var job = new CountingJob(8, 2);
        team.Run(job, 8);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 100; round++)
        {
            team.Run(job, 8);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_disposed_team_refuses_jobs() =>
        Assert.Throws<ObjectDisposedException>(() =>
        {
            var team = new WorkerTeam(2);
            team.Dispose();
            team.Run(new CountingJob(2, 2), 2);
        });

    private sealed class CountingJob(int items, int workers) : ITeamJob
    {
        private readonly int[] _busy = new int[workers];

        public int[] Done { get; } = new int[items];

        public int FailingItem { get; init; } = -1;

        public void Execute(int item, int worker)
        {
            if (Interlocked.Increment(ref _busy[worker]) != 1)
            {
                throw new InvalidOperationException("Two items of one worker overlap.");
            }

            Interlocked.Increment(ref Done[item]);
            Interlocked.Decrement(ref _busy[worker]);
            if (item == FailingItem)
            {
                throw new InvalidTimeZoneException();
            }
        }
    }

    /// <summary>Two items of which each waits for the other.</summary>
    private sealed class MeetingJob : ITeamJob, IDisposable
    {
        private readonly Barrier _barrier = new(2);

        public ConcurrentBag<int> Workers { get; } = [];

        public void Execute(int item, int worker)
        {
            Workers.Add(worker);
            Assert.True(_barrier.SignalAndWait(TimeSpan.FromSeconds(30)));
        }

        public void Dispose() => _barrier.Dispose();
    }
}
