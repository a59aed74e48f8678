namespace MixKVQ.AgentConnector.Tests.Architecture;

/// <summary>One outermost type that names another, anywhere: bases, members' signatures, attributes or code.</summary>
internal sealed record TypeUse(string FromNamespace, string From, string ToNamespace, string To)
{
    public override string ToString() => $"{FromNamespace}.{From} -> {ToNamespace}.{To}";
}
