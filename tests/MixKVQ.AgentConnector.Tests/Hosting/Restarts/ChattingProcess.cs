using System.Diagnostics;
using MixKVQ.AgentConnector.StorageProbe;

namespace MixKVQ.AgentConnector.Tests.Hosting.Restarts;

/// <summary>Another process that runs a stateful client, and is killed when disposed.</summary>
internal sealed class ChattingProcess : IDisposable
{
    private readonly Process _process;

    private ChattingProcess(Process process) => _process = process;

    /// <summary>Starts a process and waits until its model is loaded.</summary>
    public static async Task<ChattingProcess> StartAsync(string modelFolder, string folder, CancellationToken cancellationToken)
    {
        string[] arguments = [typeof(ChatLoop).Assembly.Location, "chat-loop", modelFolder, folder];
        var process = new ChattingProcess(Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!);
        await process.ReadAsync(cancellationToken);
        return process;
    }

    /// <summary>Asks and waits for the whole answer.</summary>
    public async Task<(string Id, string Text)> AskAsync(string? id, string question, CancellationToken cancellationToken)
    {
        await BeginAsync(id, question, ChatLoop.AnswerTokens, cancellationToken);
        while (true)
        {
            if ((await ReadAsync(cancellationToken)).Split(' ') is [ChatLoop.Done, string answered, string text])
            {
                return (answered, text);
            }
        }
    }

    /// <summary>Asks and waits for the first <paramref name="updates"/> of the answer, which then goes on by itself or, where it <paramref name="stops"/>, does not.</summary>
    public async Task BeginAsync(string? id, string question, int updates, CancellationToken cancellationToken, bool stops = false)
    {
        await _process.StandardInput.WriteLineAsync($"{id ?? ChatLoop.NoId} {(stops ? updates : 0)} {question}");
        await _process.StandardInput.FlushAsync(cancellationToken);
        for (int i = 0; i < updates; i++)
        {
            Assert.Equal(ChatLoop.Part, await ReadAsync(cancellationToken));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private async Task<string> ReadAsync(CancellationToken cancellationToken) =>
        await _process.StandardOutput.ReadLineAsync(cancellationToken) ?? throw new InvalidOperationException("The process ended by itself.");
}
