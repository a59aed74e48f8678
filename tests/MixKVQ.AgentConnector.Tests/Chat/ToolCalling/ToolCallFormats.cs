using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Chat.ToolCalling;

namespace MixKVQ.AgentConnector.Tests.Chat.ToolCalling;

/// <summary>Every format, and tools to call.</summary>
internal static class ToolCallFormats
{
    public static IReadOnlyList<ToolCallFormat> All { get; } =
        [new HermesFormat(), new HermesFormat(writesXml: true), new LlamaFormat(), new DeepSeekFormat(), new MistralFormat(writesNameFirst: false), new MistralFormat(writesNameFirst: true)];

    public static JsonArray Definitions { get; } =
    [
        Tool("get_weather", new JsonObject { ["city"] = Type("string"), ["days"] = Type("integer") }),
        Tool("say", new JsonObject { ["text"] = Type("string") }),
        Tool("now", []),
    ];

    public static OfferedTools Offered { get; } = new(Definitions);

    private static JsonObject Type(string name) => new() { ["type"] = name, ["description"] = $"A {name}." };

    private static JsonObject Tool(string name, JsonObject properties) => new()
    {
        ["type"] = "function",
        ["function"] = new JsonObject
        {
            ["name"] = name,
            ["description"] = $"The tool {name}.",
            ["parameters"] = new JsonObject { ["type"] = "object", ["properties"] = properties },
        },
    };
}
