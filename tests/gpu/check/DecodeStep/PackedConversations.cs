using System.Diagnostics;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.GpuCheck.Measuring;
using MixKVQ.AgentConnector.Models;

namespace MixKVQ.AgentConnector.GpuCheck.DecodeStep;

/// <summary>Conversations of this library's model that decode together.</summary>
/// <param name="machine">Where.</param>
/// <param name="model">The model; borrowed.</param>
/// <param name="create">Makes a conversation's cache.</param>
internal sealed class PackedConversations(CheckMachine machine, DecoderModel model, Func<KvCache> create) : IDisposable
{
    private const int LogitsRead = 16;
    private readonly List<KvCache> _caches = [];
    private readonly List<DecodeInput> _inputs = [];

    /// <summary>Conversations.</summary>
    public int Count => _caches.Count;

    /// <summary>Adds conversations while there is room.</summary>
    /// <param name="wanted">How many there are to be.</param>
    /// <returns>How many there are.</returns>
    public int Grow(int wanted)
    {
        try
        {
            while (_caches.Count < wanted)
            {
                _caches.Add(create());
                _inputs.Add(new DecodeInput(_caches.Count, _caches[^1], new float[LogitsRead]));
            }
        }
        catch (ExternalException fault) when (Count > 1 && DeviceRoom.IsMissing(fault))
        {
            // A step needs some room, too.
            Drop();
        }

        return Count;
    }

    /// <summary>One token of each.</summary>
    public void Decode()
    {
        var failures = new Exception?[Count];
        model.Decode(CollectionsMarshal.AsSpan(_inputs), failures);
        if (Array.Find(failures, failure => failure is not null) is { } failure)
        {
            throw new InvalidOperationException("A conversation of the batch failed.", failure);
        }
    }

    /// <summary>Decodes as many tokens as a page has, in which every conversation seals one.</summary>
    /// <returns>Milliseconds a step.</returns>
    public double TimeOfPage()
    {
        machine.Synchronize();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < CacheGeometry.PageTokens; i++)
        {
            Decode();
        }

        machine.Synchronize();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds / CacheGeometry.PageTokens;
    }

    public void Dispose() => _caches.ForEach(cache => cache.Dispose());

    private void Drop()
    {
        _caches[^1].Dispose();
        _caches.RemoveAt(_caches.Count - 1);
        _inputs.RemoveAt(_inputs.Count - 1);
    }
}
