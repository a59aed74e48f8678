using System.Collections.Concurrent;
using TrainPlannerModel.World;

namespace TrainPlannerModel.Training;

/// <summary>
/// Groups examples of like length, so that a step always has about the same number of tokens and one of a few shapes.
/// Examples are made ahead on their own thread.
/// </summary>
internal sealed class Batches : IDisposable
{
    /// <summary>Tokens of a step, padding included.</summary>
    public const int TokensPerStep = 3072;

    private static readonly int[] Lengths = [128, 256, 384, 512, 768, 1024, 1536, 2048, 3072];

    private readonly BlockingCollection<Example[]> _ready = new(boundedCapacity: 8);
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _producer;
    private double _progress;

    public Batches(int seed, double progress, Func<string, int[]> encode)
    {
        _progress = progress;
        _producer = new Thread(() => Produce(new Random(seed), encode)) { IsBackground = true, Name = "batches" };
        _producer.Start();
    }

    /// <summary>The next batch: padded length, and examples no longer than it.</summary>
    public (int Length, Example[] Examples) Next(double progress)
    {
        Volatile.Write(ref _progress, progress);
        Example[] examples = _ready.Take();
        return (BucketOf(examples.Max(example => example.Ids.Length)), examples);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _producer.Join();
        _ready.Dispose();
        _stop.Dispose();
    }

    private static int BucketOf(int length) => Lengths.First(bucket => bucket >= length);

    private void Produce(Random random, Func<string, int[]> encode)
    {
        Curriculum curriculum = new(random);
        Dictionary<int, List<Example>> waiting = Lengths.ToDictionary(length => length, _ => new List<Example>());
        try
        {
            while (true)
            {
                Example example = Example.Encode(curriculum.Draw(Volatile.Read(ref _progress)), encode, random);
                if (example.Ids.Length > Lengths[^1])
                {
                    continue;
                }

                int length = BucketOf(example.Ids.Length);
                waiting[length].Add(example);
                if (waiting[length].Count == TokensPerStep / length)
                {
                    _ready.Add([.. waiting[length]], _stop.Token);
                    waiting[length].Clear();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The trainer has stopped.
        }
    }
}
