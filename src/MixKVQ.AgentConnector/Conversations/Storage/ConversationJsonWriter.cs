using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Chat;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>Writes what a file says of a conversation, but for the token ids.</summary>
internal static class ConversationJsonWriter
{
    /// <summary>The most bytes that are written and read.</summary>
    public const int MaxBytes = 64 << 20;

    /// <summary>How deep objects and arrays may lie in each other; arguments of a tool call begin at 7.</summary>
    public const int MaxDepth = 512;

    /// <summary>The JSON of <paramref name="saved"/>.</summary>
    /// <exception cref="IOException">It is too long or too deep to be saved.</exception>
    public static ReadOnlyMemory<byte> Write(SavedConversation saved)
    {
        var bytes = new ArrayBufferWriter<byte>(4096);
        try
        {
            using var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = MaxDepth });
            Write(json, saved);
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException)
        {
            throw new IOException($"The conversation {saved.Id} cannot be saved: {error.Message}", error);
        }

        return bytes.WrittenCount <= MaxBytes
            ? bytes.WrittenMemory
            : throw new IOException($"The conversation {saved.Id} cannot be saved: its text takes {bytes.WrittenCount} bytes, and at most {MaxBytes} are saved.");
    }

    private static void Write(Utf8JsonWriter json, SavedConversation saved)
    {
        json.WriteStartObject();
        json.WriteText("id", saved.Id);
        json.WriteBoolean("isNamed", saved.IsNamed);
        json.WriteString("createdAt", saved.CreatedAt);
        json.WriteString("lastUsedAt", saved.LastUsedAt);
        json.WriteString("startedAt", saved.StartedAt);
        json.WriteStartObject("signature");
        json.WriteText("model", saved.Signature.Model);
        json.WriteText("rope", saved.Signature.Rope);
        json.WriteText("cache", saved.Signature.Cache);
        json.WriteEndObject();
        json.WriteNumber("cachedTokens", saved.CachedTokens);
        WriteUsage(json, saved.Usage);
        WriteSettings(json, saved.Settings);
        WriteDialogue(json, saved.Dialogue);
        WriteAnswerEnds(json, saved.AnswerEnds);
        WriteSegments(json, saved.Tokens);
        json.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter json, CacheUsage usage)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("tokens", usage.TokenCount);
        json.WriteNumber("elements", usage.Elements);
        json.WriteNumber("sealedElements", usage.SealedElements);
        json.WriteNumber("codeBytes", usage.Pages.CodeBytes);
        json.WriteNumber("scaleBytes", usage.Pages.ScaleBytes);
        json.WriteNumber("indexBytes", usage.Pages.IndexBytes);
        json.WriteNumber("paddingBytes", usage.Pages.PaddingBytes);
        json.WriteNumber("sinkBytes", usage.SinkBytes);
        json.WriteNumber("tailBytes", usage.TailBytes);
        json.WriteNumber("statisticsBytes", usage.StatisticsBytes);
        json.WriteEndObject();
    }

    private static void WriteSettings(Utf8JsonWriter json, PromptSettings settings)
    {
        json.WriteStartObject("settings");
        json.WriteText("instructions", settings.Instructions);
        json.WritePropertyName("tools");
        if (settings.Tools is { } tools)
        {
            tools.WriteTo(json);
        }
        else
        {
            json.WriteNullValue();
        }

        json.WritePropertyName("enableThinking");
        if (settings.EnableThinking is { } enable)
        {
            json.WriteBooleanValue(enable);
        }
        else
        {
            json.WriteNullValue();
        }

        json.WriteEndObject();
    }

    private static void WriteDialogue(Utf8JsonWriter json, Dialogue dialogue)
    {
        json.WriteStartObject("dialogue");
        json.WriteNumber("dropped", dialogue.DroppedCount);
        json.WriteNumber("forgotten", dialogue.LeftOutCount - dialogue.DroppedCount);
        json.WriteStartArray("turns");
        foreach (ChatTurn turn in dialogue.Turns)
        {
            json.WriteStartObject();
            json.WriteString("role", turn.Role.ToString());
            json.WriteText("text", turn.Text);
            json.WriteText("reasoning", turn.Reasoning);
            json.WriteText("callId", turn.CallId);
            json.WriteStartArray("calls");
            foreach (ToolCall call in turn.Calls)
            {
                json.WriteStartObject();
                json.WriteText("id", call.Id);
                json.WriteText("name", call.Name);
                json.WritePropertyName("arguments");
                call.Arguments.WriteTo(json);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteAnswerEnds(Utf8JsonWriter json, IReadOnlyList<(int Turns, int Tokens)> answerEnds)
    {
        json.WriteStartArray("answerEnds");
        foreach ((int turns, int tokens) in answerEnds)
        {
            json.WriteStartObject();
            json.WriteNumber("turns", turns);
            json.WriteNumber("tokens", tokens);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteSegments(Utf8JsonWriter json, TokenLog tokens)
    {
        json.WriteStartArray("segments");
        foreach (LoggedText segment in tokens.Segments)
        {
            json.WriteStartObject();
            json.WriteText("text", segment.Text);
            json.WriteBoolean("isAdded", segment.IsAdded);
            json.WriteNumber("end", segment.End);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
