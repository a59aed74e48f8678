using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>A call of a tool that the model made.</summary>
/// <param name="Id">Joins the call and its result; says nothing about the call itself.</param>
/// <param name="Name">The tool's name.</param>
/// <param name="Arguments">The arguments by name. Not changed once made.</param>
internal sealed record ToolCall(string Id, string Name, JsonObject Arguments)
{
    // Made at once: it reads every node, after which the lazily built tree can be read by many threads.
    private readonly string _canonicalArguments = CanonicalJson.Of(Arguments);

    /// <summary>Whether both call the same tool with the same arguments; ids are left out, since callers replace them.</summary>
    public bool IsSameCall(ToolCall other) =>
        Name == other.Name && _canonicalArguments == other._canonicalArguments;
}
