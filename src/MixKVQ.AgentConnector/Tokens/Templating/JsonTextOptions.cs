namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>How <see cref="JsonText"/> writes; the names are those of Python's <c>json.dumps</c>.</summary>
internal sealed record JsonTextOptions(int Indent, string ItemSeparator, string KeySeparator, bool EnsureAscii, bool SortKeys)
{
    public static readonly JsonTextOptions Default = new(0, ", ", ": ", false, false);
}
