using MixKVQ.AgentConnector.Generation;

namespace MixKVQ.AgentConnector.Tests.Generation;

/// <summary>Counts how often room was asked for.</summary>
internal sealed class FakeRelief : IMemoryRelief
{
    private int _rooms;

    public int Rooms => _rooms;

    public void MakeRoom() => Interlocked.Increment(ref _rooms);

    public Exception Refusal(Exception cause) => new InsufficientMemoryException("refused", cause);
}
