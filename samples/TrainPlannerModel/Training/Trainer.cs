using System.Diagnostics;
using MixKVQ.AgentConnector.Tokens;
using TorchSharp;
using static TorchSharp.torch;

namespace TrainPlannerModel.Training;

/// <summary>The training loop: batches, loss, optimizer, schedule, checkpoints.</summary>
internal sealed class Trainer(PlannerShape shape, ModelTokenizer tokenizer, TrainingOptions options)
{
    private const int WarmUpSteps = 40;
    private const double FlatUntil = 0.05;

    /// <summary>Trains to the end of the token budget, from the newest checkpoint where there is one.</summary>
    public PlannerParameters Run()
    {
        PlannerParameters parameters = new(shape, options.Seed);
        MuonAdam optimizer = new(parameters);
        Checkpoint checkpoint = new(options.CheckpointFolder);
        (int step, long tokens) = checkpoint.Load(parameters, optimizer);
        TrainingForward forward = new(shape, parameters);
        using Batches batches = new(options.Seed + (7919 * step), Progress(tokens), tokenizer.Encode);
        Stopwatch clock = Stopwatch.StartNew();
        double loss = 0;
        double correct = 0;
        long targets = 0;
        long since = tokens;
        while (tokens < options.TokenBudget)
        {
            (int length, Example[] examples) = batches.Next(Progress(tokens));
            tokens += (long)length * examples.Length;
            using (NewDisposeScope())
            {
                (Tensor meanLoss, Tensor hits) = Forward(forward, length, examples);
                meanLoss.backward();
                optimizer.Step(step, Rate(step, Progress(tokens)));
                long count = hits.NumberOfElements;
                loss += meanLoss.item<float>() * count;
                correct += hits.sum().item<long>();
                targets += count;
            }

            step++;
            if (step % 50 == 0)
            {
                double seconds = clock.Elapsed.TotalSeconds;
                Console.WriteLine($"step {step} progress {Progress(tokens):P1} loss {loss / targets:F4} accuracy {correct / targets:F5} tokens/s {(tokens - since) / seconds:F0}");
                (loss, correct, targets, since) = (0, 0, 0, tokens);
                clock.Restart();
            }

            if (step % 200 == 0)
            {
                checkpoint.Save(parameters, optimizer, step, tokens);
            }
        }

        checkpoint.Save(parameters, optimizer, step, tokens);
        return parameters;
    }

    private double Progress(long tokens) => Math.Min(1, (double)tokens / options.TokenBudget);

    /// <summary>Linear warm-up, flat for a moment, then down along a parabola to zero: at this batch size a high rate learns no more after that.</summary>
    private static double Rate(int step, double progress)
    {
        double rest = Math.Min(1, (1 - progress) / (1 - FlatUntil));
        return Math.Min(1, (step + 1.0) / WarmUpSteps) * rest * rest;
    }

    private static (Tensor Loss, Tensor Correct) Forward(TrainingForward forward, int length, Example[] examples)
    {
        long[] ids = new long[length * examples.Length];
        float[] positions = new float[ids.Length];
        List<long> rows = [];
        List<long> targets = [];
        for (int i = 0; i < examples.Length; i++)
        {
            Example example = examples[i];
            for (int j = 0; j < example.Ids.Length; j++)
            {
                int row = (i * length) + j;
                ids[row] = example.Ids[j];
                positions[row] = example.Positions[j];
                if (j > 0 && example.IsTarget[j])
                {
                    rows.Add(row - 1);
                    targets.Add(example.Ids[j]);
                }
            }
        }

        long[] size = [examples.Length, length];
        return forward.Loss(tensor(ids, size), tensor(positions, size), tensor(rows.ToArray()), tensor(targets.ToArray()));
    }
}
