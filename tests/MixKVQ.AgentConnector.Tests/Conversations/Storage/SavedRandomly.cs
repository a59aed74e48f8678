using System.Text.Json.Nodes;
using CsCheck;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Conversations.Storage;

namespace MixKVQ.AgentConnector.Tests.Conversations.Storage;

/// <summary>Random conversations of every kind that can be saved.</summary>
internal static class SavedRandomly
{
    /// <summary>Token ids go up to here.</summary>
    public const int VocabularySize = 1 << 20;

    /// <summary>A text, at times with lone surrogates.</summary>
    private static readonly Gen<string> Text = Gen.Frequency(
        (4, Gen.String[0, 20]),
        (1, Gen.Char['\uD7F0', '\uE010'].Array[0, 6].Select(units => new string(units))),
        (1, Pick("", "</script>\"\\\u2028", "日本\U0001F600", "\0", new string('x', 5000))));

    /// <summary>A text that JSON can hold.</summary>
    private static readonly Gen<string> JsonText = Gen.String[Gen.Char[' ', '\uD7FF'], 0, 8];

    private static readonly Gen<JsonNode?> Scalar = Gen.OneOf(
        JsonText.Select(text => (JsonNode?)text),
        Gen.Int.Select(number => (JsonNode?)number),
        Gen.Double.Where(double.IsFinite).Select(number => (JsonNode?)number),
        Gen.Bool.Select(flag => (JsonNode?)flag),
        Gen.Const((JsonNode?)null),
        Pick("1.50", "1e400", "-0", "12345678901234567890123").Select(text => JsonNode.Parse(text)));

    private static readonly Gen<JsonNode?> Node = Gen.Recursive<JsonNode?>((depth, inner) => depth > 3
        ? Scalar
        : Gen.OneOf(
            Scalar,
            inner.Array[0, 3].Select(items => (JsonNode?)new JsonArray([.. items.Select(item => item?.DeepClone())])),
            Gen.Select(JsonText, inner).Array[0, 3].Select(Object)));

    private static readonly Gen<ToolCall> Call = Gen.Select(
        Text, Text, Gen.Select(JsonText, Node).Array[0, 4].Select(properties => (JsonObject)Object(properties)!), (id, name, arguments) => new ToolCall(id, name, arguments));

    private static readonly Gen<ChatTurn> Turn = Gen.Select(
        Gen.Enum<TurnRole>(), Text, Text, Call.Array[0, 2], Text.Null(), (role, text, reasoning, calls, callId) => new ChatTurn(role, text) { Reasoning = reasoning, Calls = calls, CallId = callId });

    private static readonly Gen<Dialogue> Dialogues = Gen.Select(Turn.Array[0, 6], Gen.Int[0, 6], Gen.Int[0, 1000]).Select((turns, dropped, forgotten) =>
        new Dialogue(turns, Math.Min(dropped, turns.Length - turns.TakeWhile(turn => turn.Role == TurnRole.System).Count()), forgotten));

    private static readonly Gen<TokenLog> Tokens = Gen.Select(Gen.Int[0, VocabularySize - 1].Array[1, 6], Text, Gen.Bool).Array[0, 6].Select(parts =>
    {
        List<int> ids = [];
        List<LoggedText> texts = [];
        foreach ((int[] part, string text, bool isAdded) in parts)
        {
            ids.AddRange(part);
            texts.Add(new LoggedText(text, isAdded || texts is [.., { IsAdded: false }], ids.Count));
        }

        return TokenLog.Of([.. ids], texts);
    });

    private static readonly Gen<PromptSettings> Settings = Gen.Select(
        Text.Null(), Node.Array[0, 3].Select(items => new JsonArray([.. items.Select(item => item?.DeepClone())])).Null(), Pick<bool?>(null, true, false), (instructions, tools, enable) => new PromptSettings(instructions, tools, enable));

    private static readonly Gen<DateTimeOffset> Time = Gen.Select(
        Gen.Long[0, DateTime.MaxValue.Ticks - TimeSpan.TicksPerDay], Gen.Int[0, 14 * 60], (ticks, minutes) => new DateTimeOffset(ticks + TimeSpan.TicksPerDay, TimeSpan.FromMinutes(minutes)));

    private static readonly Gen<CacheUsage> Usage = Gen.Long[0, 1L << 56].Array[9].Select(n => new CacheUsage
    {
        TokenCount = (int)(n[0] % int.MaxValue),
        Elements = n[1],
        SealedElements = n[2],
        Pages = new PageContents(n[3], n[4], n[5], n[6]),
        SinkBytes = n[7],
        TailBytes = n[8],
        StatisticsBytes = n[0],
    });

    /// <summary>The conversations.</summary>
    public static Gen<SavedConversation> Conversation { get; } = Gen.Select(Text, Gen.Bool, Time.Array[3], Dialogues, Tokens, Settings, Usage).Select((id, isNamed, times, dialogue, tokens, settings, usage) => new SavedConversation
    {
        Id = id,
        IsNamed = isNamed,
        CreatedAt = times[0],
        LastUsedAt = times[1],
        StartedAt = times[2],
        Signature = new ModelSignature("model", "rope", "cache"),
        Tokens = tokens,
        Dialogue = dialogue,
        Settings = settings,
        CachedTokens = Math.Min(31, tokens.Count),
        Usage = usage,
        AnswerEnds = [.. Enumerable.Range(0, dialogue.Turns.Count).Select(turn => (turn, Math.Min(turn, tokens.Count)))],
    });

    private static Gen<T> Pick<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static JsonNode? Object((string Name, JsonNode? Value)[] properties)
    {
        var json = new JsonObject();
        foreach ((string name, JsonNode? value) in properties)
        {
            json[name] = value?.DeepClone();
        }

        return json;
    }
}
