namespace MixKVQ.AgentConnector.Tokens;

/// <summary>Shortens untrusted text for messages.</summary>
internal static class Excerpt
{
    private const int MaxLength = 80;

    public static string Of(ReadOnlySpan<char> text) => text.Length <= MaxLength ? text.ToString() : $"{text[..MaxLength]}…";
}
