using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>A conversation as its caller knows it.</summary>
/// <param name="id">Its id; null where the client gives none.</param>
/// <param name="history">What was said.</param>
internal sealed class StressDialogue(string? id, List<ChatMessage> history)
{
    /// <summary>Its id; null where the client gives none.</summary>
    public string? Id { get; set; } = id;

    /// <summary>What was said.</summary>
    public List<ChatMessage> History { get; } = history;
}
