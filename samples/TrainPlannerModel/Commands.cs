using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Tokens;
using TrainPlannerModel.Evaluation;
using TrainPlannerModel.Export;
using TrainPlannerModel.Training;
using TrainPlannerModel.Vocabulary;
using TrainPlannerModel.World;
using static TorchSharp.torch;

namespace TrainPlannerModel;

/// <summary>What the program does, one method a verb.</summary>
internal static class Commands
{
    private const string ModelFolderPath = "samples/model";
    private const string CheckpointPath = "checkpoints/planner";
    private const int VocabularyDialogues = 3000;

    /// <summary>Trains, then writes the model's folder.</summary>
    public static void Train(CommandLine commandLine)
    {
        string output = commandLine.Text("output", ModelFolderPath);
        long threads = commandLine.Number("threads", 0, min: 0);
        TrainingOptions options = new(
            (int)commandLine.Number("seed", 1, min: 0),
            commandLine.Number("tokens", 24_000_000, min: 1),
            commandLine.Text("checkpoints", CheckpointPath));
        commandLine.RefuseOthers();
        TorchLibrary.EnsureLoaded();
        if (threads > 0)
        {
            set_num_threads((int)threads);
        }

        JsonObject tokenizerFile = BuildTokenizer();
        ModelTokenizer tokenizer = ModelFolder.WriteTokenizer(output, tokenizerFile);
        PlannerShape shape = new(tokenizer.VocabularySize);
        PlannerParameters parameters = new Trainer(shape, tokenizer, options).Run();
        ModelFolder.Write(output, shape, tokenizer, parameters);
        Console.WriteLine($"The model is in {output}.");
    }

    /// <summary>Writes the model's folder from the newest checkpoint.</summary>
    public static void Export(CommandLine commandLine)
    {
        string output = commandLine.Text("output", ModelFolderPath);
        int seed = (int)commandLine.Number("seed", 1, min: 0);
        string checkpoints = commandLine.Text("checkpoints", CheckpointPath);
        commandLine.RefuseOthers();
        TorchLibrary.EnsureLoaded();
        ModelTokenizer tokenizer = ModelFolder.WriteTokenizer(output, BuildTokenizer());
        PlannerShape shape = new(tokenizer.VocabularySize);
        PlannerParameters parameters = new(shape, seed);
        (int step, long tokens) = new Checkpoint(checkpoints).Load(parameters, new MuonAdam(parameters));
        if (step == 0)
        {
            throw new ArgumentException($"{checkpoints} holds no checkpoint: run train first.");
        }

        ModelFolder.Write(output, shape, tokenizer, parameters);
        Console.WriteLine($"The model after {step} steps, {tokens / 1e6:F1} million tokens, is in {output}.");
    }

    /// <summary>Plays held-out tasks under every policy, measures their divergence, and writes the report.</summary>
    public static async Task EvaluateAsync(CommandLine commandLine)
    {
        string model = commandLine.Text("model", ModelFolderPath);
        int tasks = (int)commandLine.Number("tasks", 100, min: 1);
        int texts = (int)commandLine.Number("texts", 24, min: 1);
        string report = commandLine.Text("report", Path.Combine(ModelFolderPath, "REPORT.md"));
        commandLine.RefuseOthers();
        TorchLibrary.EnsureLoaded();

        // Policies run side by side instead.
        TorchThreads.Apply(1);
        await AccuracyReport.WriteAsync(model, tasks, texts, report, CancellationToken.None).ConfigureAwait(false);
    }

    private static JsonObject BuildTokenizer() => PlannerVocabulary.Build(Enumerable
        .Range(0, VocabularyDialogues)
        .Select(seed => string.Concat(DialogueText.Render(new DialogueGenerator(new Random(seed)).Write(turnCount: 6, allTools: true)).Select(piece => piece.Text))));
}
