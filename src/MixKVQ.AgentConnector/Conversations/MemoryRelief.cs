using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Where memory is exhausted although the budget allowed for more, takes the caches out of it that no turn works on. Thread-safe.</summary>
/// <param name="store">The retained conversations.</param>
/// <param name="sequences">Made by the model.</param>
internal sealed class MemoryRelief(ConversationStore store, ISequenceFactory sequences) : IMemoryRelief
{
    /// <summary>Does what takes memory; where there is none left, makes room and does it again.</summary>
    /// <param name="work">Leaves nothing behind where it fails.</param>
    /// <exception cref="InsufficientMemoryException">It failed again for want of memory; the message has the sizes.</exception>
    public void Run(Action work)
    {
        try
        {
            work();
            return;
        }
        catch (Exception failure) when (MemoryExhaustion.Is(failure))
        {
            MakeRoom();
        }

        try
        {
            work();
        }
        catch (Exception failure) when (MemoryExhaustion.Is(failure))
        {
            throw Refusal(failure);
        }
    }

    /// <inheritdoc/>
    public void MakeRoom()
    {
        lock (store.Gate)
        {
            while (store.TryEvict())
            {
            }
        }

        sequences.Trim();
    }

    /// <inheritdoc/>
    public Exception Refusal(Exception cause)
    {
        string requested = MemoryExhaustion.RequestedSize(cause) is { } size ? $": {size} more were needed" : "";
        string device = sequences.DeviceMemory is DeviceMemory memory ? $"The device has {ByteSize.Describe(memory.Total)}, of which {ByteSize.Describe(memory.Free)} are free. " : "";
        return new InsufficientMemoryException(
            $"Memory is exhausted{requested}, even after the caches that no turn works on had left it. {device}"
            + $"The caches of running turns and pinned conversations hold {ByteSize.Describe(sequences.HeldBytes)}, and the budget for all caches is {ByteSize.Describe(store.Budget.LimitBytes)}. "
            + $"Lower {nameof(MixKvqOptions.Cache)}.{nameof(KvCacheOptions.MemoryBudget)} or {nameof(MixKvqOptions.ContextLength)}, run fewer turns at once, unpin conversations, or end what else uses the memory.",
            cause);
    }
}
