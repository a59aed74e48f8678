using MixKVQ.AgentConnector.Tokens.PreTokenization;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>What a Metaspace pre-tokenizer and a Metaspace decoder have in common.</summary>
internal static class MetaspaceSection
{
    private const char Default = '\u2581';

    public static (char Replacement, PrependScheme Scheme) Read(JsonField section)
    {
        string replacement = section.FindText("replacement") ?? Default.ToString();
        if (replacement.Length != 1 || char.IsSurrogate(replacement[0]))
        {
            throw section.Fault("has a replacement that is not one character up to U+FFFF");
        }

        // Older files have a flag instead of the scheme.
        PrependScheme legacy = section.FindFlag("add_prefix_space", absent: true) ? PrependScheme.Always : PrependScheme.Never;
        PrependScheme scheme = section.FindText("prepend_scheme") switch
        {
            null => legacy,
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            var other => throw section.Fault($"has the prepend_scheme '{Excerpt.Of(other)}'; always, first and never are supported"),
        };
        return legacy == PrependScheme.Never && scheme != PrependScheme.Never
            ? throw section.Fault("has an add_prefix_space that is false and a prepend_scheme that is not never; take one of them out")
            : (replacement[0], scheme);
    }
}
