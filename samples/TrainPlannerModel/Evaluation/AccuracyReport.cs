using System.Globalization;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Tokens;
using TrainPlannerModel.World;
using static TorchSharp.torch;

namespace TrainPlannerModel.Evaluation;

/// <summary>The report beside the model: what each cache policy holds and what it costs in accuracy.</summary>
internal static class AccuracyReport
{
    private const int TextTokens = 2048;

    /// <summary>Measures every policy and writes the report.</summary>
    /// <param name="modelFolder">The model's folder.</param>
    /// <param name="taskCount">Held-out dialogues to play under each policy.</param>
    /// <param name="textCount">Held-out texts of 2,048 tokens to compare distributions on.</param>
    /// <param name="reportPath">The Markdown file to write.</param>
    public static async Task WriteAsync(string modelFolder, int taskCount, int textCount, string reportPath, CancellationToken cancellationToken)
    {
        ModelTokenizer tokenizer = ModelTokenizer.Load(modelFolder);
        HeldOutDialogue[] tasks = [.. HeldOutDialogues.Take(taskCount, tokenizer.Encode)];
        int[][] texts = [.. LongTexts(tokenizer).Take(textCount)];
        (List<Tensor> reference, _) = PolicyAccuracy.Run(modelFolder, PolicyRow.All[0], texts);
        PolicyResult[] results = new PolicyResult[PolicyRow.All.Length];
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, results.Length, parallel, async (i, cancellation) =>
        {
            results[i] = await MeasureAsync(modelFolder, PolicyRow.All[i], reference, texts, tasks, cancellation).ConfigureAwait(false);
            Console.WriteLine(results[i].TableRow);
        }).ConfigureAwait(false);
        reference.ForEach(tensor => tensor.Dispose());
        await File.WriteAllTextAsync(reportPath, Text(tasks, texts, results), cancellationToken).ConfigureAwait(false);
    }

    private static async Task<PolicyResult> MeasureAsync(
        string modelFolder, PolicyRow row, List<Tensor> reference, int[][] texts, HeldOutDialogue[] tasks, CancellationToken cancellationToken)
    {
        (List<Tensor> logits, CacheUsage usage) = PolicyAccuracy.Run(modelFolder, row, texts);
        Divergence divergence = new();
        for (int i = 0; i < texts.Length; i++)
        {
            divergence.Add(reference[i], logits[i]);
            logits[i].Dispose();
        }

        List<string> faults = [];
        await using MixKvqChatClient client = new(new MixKvqOptions { ModelPath = modelFolder, Cache = row.Options, Weights = row.Weights, MaxConversations = 1 });
        foreach (HeldOutDialogue task in tasks)
        {
            if (await TaskPlayer.PlayAsync(client, task.Dialogue, cancellationToken).ConfigureAwait(false) is { } fault)
            {
                faults.Add(fault);
                Console.WriteLine($"  {row.Name}: {fault}");
            }
        }

        return new PolicyResult(row, usage, divergence, tasks.Length, faults);
    }

    /// <summary>Held-out texts, as token ids.</summary>
    public static IEnumerable<int[]> LongTexts(ModelTokenizer tokenizer) => Enumerable
        .Range(0, int.MaxValue)
        .Select(seed => new DialogueGenerator(new Random(HeldOutDialogues.FirstSeed - 1 - seed)).Write(turnCount: 14, allTools: true))
        .Select(dialogue => tokenizer.Encode(string.Concat(DialogueText.Render(dialogue).Select(piece => piece.Text))))
        .Where(tokens => tokens.Length >= TextTokens)
        .Select(tokens => tokens[..TextTokens]);

    private static string Text(HeldOutDialogue[] tasks, int[][] texts, PolicyResult[] results) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        # The embedded planner model: accuracy of each cache policy

        Measured {DateTime.UtcNow:yyyy-MM-dd} on {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} cores, CPU, bf16, by
        `dotnet run -c Release --project samples/TrainPlannerModel -- evaluate --tasks {tasks.Length} --texts {texts.Length}`.

        Tasks: {tasks.Length} dialogues from seeds that training never uses, {tasks.Min(task => task.Tokens.Length)} to {tasks.Max(task => task.Tokens.Length)} tokens long
        (mean {tasks.Average(task => task.Tokens.Length):F0}), {tasks.Average(task => task.Dialogue.Turns.Count):F1} turns and {tasks.Average(task => task.Dialogue.Turns.Sum(turn => turn.Steps.Count)):F1} steps on average, each with
        tasks of several calls and at least one question for a value whose latest mention is over 1,000 tokens back. A task is solved
        when every call and every answer of the whole dialogue is right, played through `MixKvqChatClient` with simulated tools, greedy.

        Divergence: {texts.Length} held-out texts of {TextTokens} tokens, {texts.Length * TextTokens} positions, quantized from the first page on, against the
        full-precision cache of the same model. Bits count codes, scales, zeros, permutations and headers; "all" adds sinks, tail and
        query statistics. KiB is the whole cache at {TextTokens} tokens.

        | policy | bits, sealed pages | bits, all | KiB | mean KL | KL, 99th percentile | greedy agreement | tasks solved |
        |---|---|---|---|---|---|---|---|
        {string.Join("\n", results.Select(result => result.TableRow))}

        First wrong step of the tasks not solved, by kind of turn:

        {string.Join("\n", results.Select(result => result.FaultRow))}

        """);
}
