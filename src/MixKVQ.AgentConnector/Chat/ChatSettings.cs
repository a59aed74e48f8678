namespace MixKVQ.AgentConnector.Chat;

/// <summary>The client's options that concern chats. Immutable.</summary>
/// <param name="ModelName">The name under which the model answers.</param>
/// <param name="IsStateful">Whether responses carry a conversation id.</param>
/// <param name="KeepThoughts">Whether earlier thoughts stay when a new user turn comes.</param>
/// <param name="MaxOutputTokens">The output limit where a request has none; null for as many as the context holds.</param>
/// <param name="ContextOverflow">What happens when a dialogue no longer fits the context.</param>
internal sealed record ChatSettings(string ModelName, bool IsStateful, bool KeepThoughts, int? MaxOutputTokens, ContextOverflowPolicy ContextOverflow);
