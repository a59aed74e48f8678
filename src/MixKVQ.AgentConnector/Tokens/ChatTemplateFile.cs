using System.Text.Json;
using MixKVQ.AgentConnector.Checkpoints;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>The source of a model folder's chat template and of its variant for tools, if it has one.</summary>
internal sealed record ChatTemplateFile(string Path, string Source, string? ToolUseSource)
{
    private const string Field = "chat_template";

    // tokenizer_config.json lists added tokens: some have thousands, in a megabyte or two.
    private const long MaxFileBytes = 4L << 20;

    /// <summary>Finds the template in a model folder.</summary>
    /// <exception cref="InvalidDataException">There is none, or its file cannot be read as one.</exception>
    public static ChatTemplateFile Find(string folder)
    {
        string jinja = System.IO.Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(jinja))
        {
            return new ChatTemplateFile(jinja, ReadText(jinja), null);
        }

        return FindInJson(System.IO.Path.Combine(folder, "chat_template.json"))
            ?? FindInJson(System.IO.Path.Combine(folder, "tokenizer_config.json"))
            ?? throw new InvalidDataException(
                $"The model folder {folder} has no chat template. Add the model's chat_template.jinja, or a tokenizer_config.json with the field {Field}.");
    }

    private static ChatTemplateFile? FindInJson(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(ReadText(path));
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(Field, out JsonElement field)
                ? FromField(path, field)
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path} is not sound JSON: {e.Message}", e);
        }
    }

    private static ChatTemplateFile? FromField(string path, JsonElement field)
    {
        switch (field.ValueKind)
        {
            case JsonValueKind.Null:
                return null;
            case JsonValueKind.String:
                return new ChatTemplateFile(path, field.GetString()!, null);
            case JsonValueKind.Array:
                Dictionary<string, string> templates = ReadNamed(path, field);
                string? toolUse = templates.GetValueOrDefault("tool_use");
                string source = templates.GetValueOrDefault("default") ?? toolUse
                    ?? throw new InvalidDataException($"{path}: {Field} lists no template named default or tool_use. Add one of them.");
                return new ChatTemplateFile(path, source, toolUse);
            default:
                throw new InvalidDataException($"{path}: {Field} is {field.ValueKind}, but must be a string or a list of {{name, template}}.");
        }
    }

    private static Dictionary<string, string> ReadNamed(string path, JsonElement list)
    {
        var templates = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonElement entry in list.EnumerateArray())
        {
            bool isNamed = entry.ValueKind == JsonValueKind.Object
                && entry.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String
                && entry.TryGetProperty("template", out JsonElement template) && template.ValueKind == JsonValueKind.String
                && templates.TryAdd(name.GetString()!, template.GetString()!);
            if (!isNamed)
            {
                throw new InvalidDataException($"{path}: an entry of {Field} has no name and template of its own.");
            }
        }

        return templates;
    }

    private static string ReadText(string path)
    {
        long length = ModelFolderPath.RequireOwnFile(path);
        return length <= MaxFileBytes
            ? File.ReadAllText(path)
            : throw new InvalidDataException($"{path} has {length} bytes, more than the {MaxFileBytes} allowed for a chat template's file.");
    }
}
