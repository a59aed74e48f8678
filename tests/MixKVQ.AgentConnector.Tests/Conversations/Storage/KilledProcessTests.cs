using System.Diagnostics;
using System.Globalization;
using MixKVQ.AgentConnector.Conversations.Storage;
using MixKVQ.AgentConnector.StorageProbe;

namespace MixKVQ.AgentConnector.Tests.Conversations.Storage;

/// <summary>Processes that save conversations and are killed: what they had saved is there, and nothing else.</summary>
public sealed class KilledProcessTests : IDisposable
{
    private const int Seed = 5;
    private const int Kills = 10;

    private readonly SavedSamples _samples = new();

    public void Dispose() => _samples.Dispose();

    [Fact]
    public void KilledAtAnyMoment_TheFolderHoldsTheLastSaveOrTheOneUnderWay()
    {
        var random = new Random(Seed);
        var saved = new Dictionary<string, SaveStep>();
        int next = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            int done = RunAndKill(next, random);
            for (; next <= done; next++)
            {
                Apply(saved, next);
            }

            var advanced = new Dictionary<string, SaveStep>(saved);
            Apply(advanced, next);
            RequireOneOf(saved, advanced);
        }

        Assert.True(next > Kills, "The processes did next to nothing.");
    }

    private static void Apply(Dictionary<string, SaveStep> saved, int index)
    {
        var step = SaveStep.At(Seed, index);
        if (step.Ids is null)
        {
            saved.Remove(step.Id);
        }
        else
        {
            saved[step.Id] = step;
        }
    }

    /// <summary>Lets a process save, kills it, and returns the last step that it said was done.</summary>
    private int RunAndKill(int start, Random random)
    {
        string[] arguments = [typeof(SaveLoop).Assembly.Location, "save-loop", _samples.Folder, Seed.ToString(CultureInfo.InvariantCulture), start.ToString(CultureInfo.InvariantCulture)];
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        int done = start - 1;
        int steps = random.Next(1, 30);
        for (int i = 0; i < steps; i++)
        {
            done = int.Parse(process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The process ended by itself."), CultureInfo.InvariantCulture);
        }

        Thread.SpinWait(random.Next(200_000));
        process.Kill();
        while (process.StandardOutput.ReadLine() is { Length: > 0 } line && int.TryParse(line, CultureInfo.InvariantCulture, out int later))
        {
            done = later;
        }

        process.WaitForExit();
        return done;
    }

    private void RequireOneOf(Dictionary<string, SaveStep> before, Dictionary<string, SaveStep> after)
    {
        using ConversationFolder folder = _samples.Open(out IReadOnlyList<SavedConversation> found);
        Assert.Empty(_samples.Log.Lines);
        Dictionary<string, string> said = found.ToDictionary(conversation => conversation.Id, conversation => conversation.Dialogue.Turns[^1].Text);
        Dictionary<string, SaveStep> state = IsSaid(before) ? before : after;
        Assert.True(IsSaid(state), $"Found {string.Join(", ", said)} where {string.Join(", ", before)} or {string.Join(", ", after)} was saved.");
        foreach (SaveStep step in state.Values)
        {
            Assert.Equal<int>(step.Ids!, _samples.Restore(folder, step.Id, out _)!);
        }

        Assert.Equal(_samples.FileBytes, folder.TotalBytes);

        bool IsSaid(Dictionary<string, SaveStep> steps) =>
            steps.Count == said.Count && steps.Values.All(step => said.GetValueOrDefault(step.Id) == step.Index.ToString(CultureInfo.InvariantCulture));
    }
}
