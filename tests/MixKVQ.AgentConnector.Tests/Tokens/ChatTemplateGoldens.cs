using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;
using MixKVQ.AgentConnector.Tokens.Templating;
using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tests.Tokens;

/// <summary>What the npm package renders: Goldens/chat-templates.json, written by the script beside it.</summary>
internal static class ChatTemplateGoldens
{
    public static JsonObject Document { get; } = JsonNode.Parse(
        File.ReadAllText(Path.Combine(Fixtures.RepositoryRoot, "tests", "MixKVQ.AgentConnector.Tests", "Tokens", "Goldens", "chat-templates.json")))!.AsObject();

    public static TheoryData<string> Templates { get; } = [.. Document["renderings"]!.AsObject().Select(entry => entry.Key)];

    /// <summary>The cases' inputs by name, as the script gave them to the package.</summary>
    public static IReadOnlyDictionary<string, JsonObject> Inputs()
        => Document["cases"]!.AsObject().ToDictionary(entry => entry.Key, entry => Input(entry.Value!.AsObject()));

    /// <summary>A fixture's template source; skips the test where it is absent.</summary>
    public static string Source(string template)
    {
        string path = Fixtures.Shared(template.Split('/'));
        string text = File.ReadAllText(path);
        return template.EndsWith(".json", StringComparison.Ordinal) ? JsonNode.Parse(text)!["chat_template"]!.GetValue<string>() : text;
    }

    /// <summary>Renders a golden's input.</summary>
    public static string Render(ChatTemplate template, JsonObject input)
    {
        var variables = new JsonObject(input
            .Where(entry => entry.Key is not "messages" and not "tools" and not "add_generation_prompt")
            .Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone())));
        return template.Render(
            new ChatTemplateInput(input["messages"]!.AsArray(), input["tools"] as JsonArray, input["add_generation_prompt"]!.GetValue<bool>(), variables),
            TestContext.Current.CancellationToken);
    }

    /// <summary>Renders a template with plain variables.</summary>
    public static string Render(string source, JsonObject variables)
        => JinjaTemplate.Parse(source).Render(
            variables.Select(entry => KeyValuePair.Create(entry.Key, JsonValues.From(entry.Value))), DateTimeOffset.UnixEpoch, TestContext.Current.CancellationToken);

    private static JsonObject Input(JsonObject input)
    {
        var all = new JsonObject { ["bos_token"] = "<BOS>", ["eos_token"] = "<EOS>" };
        JsonObject given = input;
        if (input["context"] is JsonValue context)
        {
            given = JsonNode.Parse(File.ReadAllText(Fixtures.Shared(context.GetValue<string>().Split('/'))))!.AsObject();
            foreach (JsonNode? name in input["without"]!.AsArray())
            {
                given.Remove(name!.GetValue<string>());
            }
        }

        foreach ((string name, JsonNode? value) in given.Concat(input["variables"] as JsonObject ?? []))
        {
            all[name] = value?.DeepClone();
        }

        all.Remove("variables");
        all.TryAdd("add_generation_prompt", true);
        return all;
    }
}
