using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Conversations.Storage;

namespace MixKVQ.AgentConnector.StorageProbe;

/// <summary>One step of a loop that saves and deletes a few conversations. It follows from seed and index alone.</summary>
/// <param name="Index">Which step it is.</param>
/// <param name="Id">The conversation.</param>
/// <param name="Ids">The tokens it has from then on; null where it is deleted.</param>
internal sealed record SaveStep(int Index, string Id, int[]? Ids)
{
    private const int ConversationCount = 4;

    /// <summary>A step.</summary>
    public static SaveStep At(int seed, int index)
    {
        var random = new Random(HashCode(seed, index));
        string id = $"conv_{random.Next(ConversationCount):x}";
        if (random.Next(8) == 0)
        {
            return new SaveStep(index, id, null);
        }

        // Beginnings are shared by conversations and steps, up to a place of the step's own.
        int[] beginning = RandomIds(new Random(HashCode(seed, random.Next(2))), 600);
        return new SaveStep(index, id, [.. beginning[..random.Next(beginning.Length)], .. RandomIds(random, random.Next(300))]);
    }

    /// <summary>The conversation as the step saves it.</summary>
    public SavedConversation Conversation(ModelSignature signature)
    {
        int[] ids = Ids ?? [];
        return new SavedConversation
        {
            Id = Id,
            IsNamed = Index % 2 == 0,
            CreatedAt = DateTimeOffset.UnixEpoch,
            LastUsedAt = DateTimeOffset.UnixEpoch.AddSeconds(Index),
            StartedAt = DateTimeOffset.UnixEpoch,
            Signature = signature,
            Tokens = TokenLog.Of(ids, ids.Length > 0 ? [new LoggedText($"step {Index}", false, ids.Length)] : []),
            Dialogue = new Dialogue(
            [
                new ChatTurn(TurnRole.System, "Be brief."),
                new ChatTurn(TurnRole.User, "Double 21."),
                new ChatTurn(TurnRole.Assistant, "") { Calls = [new ToolCall("call_1", "double", new JsonObject { ["n"] = 21 })], Reasoning = "Easy." },
                new ChatTurn(TurnRole.Tool, "42") { CallId = "call_1" },
                new ChatTurn(TurnRole.Assistant, $"{Index}"),
            ]),
            Settings = new PromptSettings("Be brief.", [new JsonObject { ["type"] = "function" }], true),
            CachedTokens = ids.Length,
            Usage = new CacheUsage { TokenCount = ids.Length, Elements = ids.Length, SealedElements = 0, Pages = default, SinkBytes = 0, TailBytes = 0, StatisticsBytes = 0 },
        };
    }

    private static int[] RandomIds(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(IdPages.VocabularySize))];

    private static int HashCode(int seed, int index) => unchecked(seed * 1_000_003 + index);
}
