using System.Text.Json;
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Chat;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>Reads what <see cref="ConversationJsonWriter"/> wrote, or a stranger.</summary>
internal static class ConversationJsonReader
{
    private const int MaxSignatureLength = 4096;

    /// <summary>The model that saved the conversation: to be known before anything else is, since all else is its.</summary>
    /// <exception cref="InvalidDataException">The message says what is wrong.</exception>
    public static ModelSignature ReadSignature(JsonElement root)
    {
        JsonElement signature = root.Field("signature");
        return new ModelSignature(ReadPart("model"), ReadPart("rope"), ReadPart("cache"));

        // They are shown and logged where they differ.
        string ReadPart(string name) =>
            signature.Text(name) is { Length: <= MaxSignatureLength } part && !part.Any(char.IsControl) ? part : throw new InvalidDataException("its signature is no model's");
    }

    /// <summary>Parses the JSON.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> json) =>
        JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = ConversationJsonWriter.MaxDepth, AllowDuplicateProperties = false });

    /// <summary>The conversation.</summary>
    /// <param name="root">The JSON.</param>
    /// <param name="tokenIds">Its token ids.</param>
    /// <exception cref="InvalidDataException">The message says what is wrong.</exception>
    /// <exception cref="InvalidOperationException">A text is no text.</exception>
    public static SavedConversation Read(JsonElement root, ReadOnlySpan<int> tokenIds)
    {
        Dialogue dialogue = ReadDialogue(root.Field("dialogue"));
        return new SavedConversation
        {
            Id = root.Text("id"),
            IsNamed = root.Flag("isNamed"),
            CreatedAt = root.Time("createdAt"),
            LastUsedAt = root.Time("lastUsedAt"),
            StartedAt = root.Time("startedAt"),
            Signature = ReadSignature(root),
            Tokens = TokenLog.Of(tokenIds, ReadSegments(root)),
            Dialogue = dialogue,
            Settings = ReadSettings(root.Field("settings")),
            CachedTokens = root.Count("cachedTokens", tokenIds.Length),
            Usage = ReadUsage(root.Field("usage")),
            AnswerEnds = ReadAnswerEnds(root, dialogue.Turns.Count, tokenIds.Length),
        };
    }

    private static CacheUsage ReadUsage(JsonElement usage)
    {
        // Far above any cache, and a sum of them does not overflow.
        const long most = 1L << 56;
        return new CacheUsage
        {
            TokenCount = usage.Count("tokens", int.MaxValue),
            Elements = usage.Number("elements", 0, most),
            SealedElements = usage.Number("sealedElements", 0, most),
            Pages = new PageContents(
                usage.Number("codeBytes", 0, most), usage.Number("scaleBytes", 0, most), usage.Number("indexBytes", 0, most), usage.Number("paddingBytes", 0, most)),
            SinkBytes = usage.Number("sinkBytes", 0, most),
            TailBytes = usage.Number("tailBytes", 0, most),
            StatisticsBytes = usage.Number("statisticsBytes", 0, most),
        };
    }

    private static PromptSettings ReadSettings(JsonElement settings) =>
        new(settings.TextOrNull("instructions"), settings.NodeOrNull<JsonArray>("tools"), settings.FlagOrNull("enableThinking"));

    private static Dialogue ReadDialogue(JsonElement dialogue)
    {
        List<ChatTurn> turns = [.. dialogue.Items("turns").Select(ReadTurn)];
        int instructions = turns.TakeWhile(turn => turn.Role == TurnRole.System).Count();
        return new Dialogue(turns, dialogue.Count("dropped", turns.Count - instructions), dialogue.Count("forgotten", int.MaxValue - turns.Count));
    }

    private static ChatTurn ReadTurn(JsonElement turn) => new(ReadRole(turn), turn.Text("text"))
    {
        Reasoning = turn.Text("reasoning"),
        CallId = turn.TextOrNull("callId"),
        Calls = [.. turn.Items("calls").Select(ReadCall)],
    };

    private static TurnRole ReadRole(JsonElement turn) => turn.Text("role") switch
    {
        nameof(TurnRole.System) => TurnRole.System,
        nameof(TurnRole.User) => TurnRole.User,
        nameof(TurnRole.Assistant) => TurnRole.Assistant,
        nameof(TurnRole.Tool) => TurnRole.Tool,
        _ => throw new InvalidDataException("a turn of its dialogue has an unknown role"),
    };

    private static ToolCall ReadCall(JsonElement call) =>
        new(call.Text("id"), call.Text("name"), call.NodeOrNull<JsonObject>("arguments") ?? throw new InvalidDataException("a tool call of its dialogue has no arguments"));

    private static List<(int Turns, int Tokens)> ReadAnswerEnds(JsonElement root, int turnCount, int tokenCount)
    {
        var ends = new List<(int Turns, int Tokens)>();
        foreach (JsonElement item in root.Items("answerEnds"))
        {
            (int turns, int tokens) = (item.Count("turns", turnCount), item.Count("tokens", tokenCount));
            if (ends is [.., var last] && (turns <= last.Turns || tokens < last.Tokens))
            {
                throw new InvalidDataException("its answers end in no order");
            }

            ends.Add((turns, tokens));
        }

        return ends;
    }

    private static IEnumerable<LoggedText> ReadSegments(JsonElement root)
    {
        foreach (JsonElement segment in root.Items("segments"))
        {
            yield return new LoggedText(segment.Text("text"), segment.Flag("isAdded"), segment.Count("end", int.MaxValue));
        }
    }
}
