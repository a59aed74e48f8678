using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>A client at one moment. Immutable.</summary>
/// <param name="State">Where it stands.</param>
/// <param name="ModelName">The model's name.</param>
/// <param name="Device">Where the model runs.</param>
/// <param name="RunningTurns">How many turns run.</param>
/// <param name="Retained">The conversations retained; null unless the model is loaded.</param>
/// <param name="Failure">Why the last load failed; null unless it did.</param>
internal sealed record ClientStatus(ClientState State, string ModelName, string Device, int RunningTurns, ConversationTotals? Retained, Exception? Failure);
