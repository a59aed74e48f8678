using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>Describes conversations to callers.</summary>
internal static class ConversationInfos
{
    /// <summary>What callers are told of conversations, in the same order. The caller holds their store's gate.</summary>
    public static IReadOnlyList<ConversationInfo> Of(IReadOnlyList<Conversation> conversations)
    {
        Dictionary<object, int> holders = new(ReferenceEqualityComparer.Instance);
        foreach (CachePart part in conversations.SelectMany(conversation => conversation.State.Parts))
        {
            holders[part.Identity] = holders.GetValueOrDefault(part.Identity) + 1;
        }

        return [.. conversations.Select(conversation => Of(conversation, holders))];
    }

    private static ConversationInfo Of(Conversation conversation, Dictionary<object, int> holders)
    {
        ConversationState state = conversation.State;
        return new ConversationInfo
        {
            Id = conversation.Id,
            MessageCount = state.Dialogue.Turns.Count,
            TokenCount = state.Tokens.Count,
            CachedTokenCount = state.CachedTokens,
            Place = state.IsResident ? CachePlace.Memory : state.CachedTokens > 0 ? CachePlace.Disk : CachePlace.None,
            CacheBytes = state.Parts.Sum(part => part.Bytes),
            SharedBytes = state.Parts.Where(part => holders[part.Identity] > 1).Sum(part => part.Bytes),
            BitsPerElement = state.Usage.BitsPerElement,
            IsPinned = conversation.IsPinned,
            IsInUse = conversation.UserCount > 0,
            CreatedAt = conversation.CreatedAt,
            LastUsedAt = conversation.LastUsedAt,
        };
    }
}
