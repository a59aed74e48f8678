namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>An entry of added_tokens (tokenizer.json) or added_tokens_decoder (tokenizer_config.json).</summary>
internal static class AddedTokenSection
{
    private const int MaxLength = 128;

    public static AddedToken Read(JsonField field, int id)
    {
        string content = field.Get("content").Text();
        if (content.Length is 0 or > MaxLength)
        {
            throw field.Fault($"has a content of {content.Length} characters; 1 to {MaxLength} are supported");
        }

        if (content.AsSpan().ContainsAnyInRange(ControlTextGuard.FirstReserved, ControlTextGuard.LastReserved))
        {
            throw field.Fault("has noncharacters (U+FDD0 to U+FDEF) in its content, which are reserved for guarding text");
        }

        if (id is < 0 or >= TokenizerJson.MaxTokenCount)
        {
            throw field.Fault($"has the id {id}; ids go from 0 to {TokenizerJson.MaxTokenCount - 1}");
        }

        bool isSpecial = field.FindFlag("special", absent: false);
        return new AddedToken(id, content)
        {
            IsSpecial = isSpecial,
            SingleWord = field.FindFlag("single_word", absent: false),
            LeftStrip = field.FindFlag("lstrip", absent: false),
            RightStrip = field.FindFlag("rstrip", absent: false),
            IsNormalized = field.FindFlag("normalized", absent: !isSpecial),
        };
    }
}
