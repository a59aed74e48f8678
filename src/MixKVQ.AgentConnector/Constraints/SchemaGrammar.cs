using System.Text.Json;

namespace MixKVQ.AgentConnector.Constraints;

/// <summary>A JSON value that the schema takes.</summary>
internal sealed record SchemaGrammar(JsonElement Schema) : Grammar;
