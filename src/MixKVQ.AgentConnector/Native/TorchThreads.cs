using TorchSharp;

namespace MixKVQ.AgentConnector.Native;

/// <summary>libtorch's thread count for operations inside one step. It belongs to the process, so it is set once. Thread-safe.</summary>
internal static class TorchThreads
{
    private static readonly Lock Gate = new();
    private static int? _applied;

    /// <summary>Sets the thread count; null leaves what is there (libtorch's default is one a physical core).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1.</exception>
    /// <exception cref="InvalidOperationException">Another count has been set before.</exception>
    public static void Apply(int? threadCount)
    {
        if (threadCount is not int wanted)
        {
            return;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(wanted, 1, nameof(threadCount));
        TorchLibrary.EnsureLoaded();
        lock (Gate)
        {
            if (_applied is int applied && applied != wanted)
            {
                throw new InvalidOperationException(
                    $"ThreadCount {wanted} cannot be used: this process has set {applied} already, and libtorch holds one count for the process. Give every client the same ThreadCount.");
            }

            if (_applied is null)
            {
                torch.set_num_threads(wanted);
                _applied = wanted;
            }
        }
    }
}
