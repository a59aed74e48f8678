namespace MixKVQ.AgentConnector.Tests;

public sealed class FixturesTests
{
    [Fact]
    public void RepositoryRoot_HoldsTheReadmesSolution() =>
        Assert.True(File.Exists(Path.Combine(Fixtures.RepositoryRoot, "MixKVQ.AgentConnector.sln")));
}
