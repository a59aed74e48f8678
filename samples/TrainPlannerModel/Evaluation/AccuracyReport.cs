using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
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
        StringBuilder table = new();
        StringBuilder failures = new();
        List<Tensor>? reference = null;
        foreach (PolicyRow row in PolicyRow.All)
        {
            (List<Tensor> logits, CacheUsage usage) = PolicyAccuracy.Run(modelFolder, row.Options, texts);
            reference ??= logits;
            Divergence divergence = new();
            for (int i = 0; i < texts.Length; i++)
            {
                divergence.Add(reference[i], logits[i]);
            }

            if (logits != reference)
            {
                logits.ForEach(tensor => tensor.Dispose());
            }

            List<string> faults = await PlayAsync(modelFolder, row, tasks, cancellationToken).ConfigureAwait(false);
            string line = string.Create(
                CultureInfo.InvariantCulture,
                $"| {row.Name} | {usage.SealedBitsPerElement:F2} | {usage.BitsPerElement:F2} | {usage.TotalBytes / 1024.0:F0} | {divergence.Mean:F5} | {divergence.Percentile99:F4} | {divergence.GreedyAgreement:F4} | {tasks.Length - faults.Count} of {tasks.Length} |");
            Console.WriteLine(line);
            table.AppendLine(line);
            failures.AppendLine(CultureInfo.InvariantCulture, $"- {row.Name}: {(faults.Count == 0 ? "none" : string.Join(", ", faults.GroupBy(fault => fault.Split(':')[0]).Select(group => $"{group.Count()} in {group.Key}")))}");
            await File.WriteAllTextAsync(reportPath, Text(tasks, texts, table, failures), cancellationToken).ConfigureAwait(false);
        }

        reference?.ForEach(tensor => tensor.Dispose());
    }

    private static async Task<List<string>> PlayAsync(string modelFolder, PolicyRow row, HeldOutDialogue[] tasks, CancellationToken cancellationToken)
    {
        List<string> faults = [];
        await using MixKvqChatClient client = new(new MixKvqOptions { ModelPath = modelFolder, Cache = row.Options, MaxConversations = 1 });
        foreach (HeldOutDialogue task in tasks)
        {
            if (await TaskPlayer.PlayAsync(client, task.Dialogue, cancellationToken).ConfigureAwait(false) is { } fault)
            {
                faults.Add(fault);
                Console.WriteLine($"  {row.Name}: {fault}");
            }
        }

        return faults;
    }

    private static IEnumerable<int[]> LongTexts(ModelTokenizer tokenizer) => Enumerable
        .Range(0, int.MaxValue)
        .Select(seed => new DialogueGenerator(new Random(HeldOutDialogues.FirstSeed - 1 - seed)).Write(turnCount: 14, allTools: true))
        .Select(dialogue => tokenizer.Encode(string.Concat(DialogueText.Render(dialogue).Select(piece => piece.Text))))
        .Where(tokens => tokens.Length >= TextTokens)
        .Select(tokens => tokens[..TextTokens]);

    private static string Text(HeldOutDialogue[] tasks, int[][] texts, StringBuilder table, StringBuilder failures) => string.Create(
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
        {table}
        First wrong step of the tasks not solved, by kind of turn:

        {failures}
        """);
}
