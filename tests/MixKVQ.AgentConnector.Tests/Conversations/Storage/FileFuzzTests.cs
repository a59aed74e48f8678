using MixKVQ.AgentConnector.StorageProbe;

namespace MixKVQ.AgentConnector.Tests.Conversations.Storage;

public sealed class FileFuzzTests
{
    [Fact]
    public void MutatedFiles_AreRefusedOrSayWhatTheySaid()
    {
        FuzzCounts counts = FileFuzz.Run(2000, seed: 1);
        Assert.Equal(2000, counts.Refused + counts.Same + counts.ForgedRefused + counts.ForgedRead);

        // Some changes meet bytes that say nothing; forged checksums let some through to the checks behind them.
        Assert.True(counts is { Refused: > 300, Same: > 10, ForgedRefused: > 100, ForgedRead: > 10 }, $"{counts}");
    }
}
