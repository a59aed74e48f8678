namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>The "decoder" of tokenizer.json, which must be the byte-level one.</summary>
internal static class DecoderSection
{
    public static void Check(JsonField? field)
    {
        if (field is not { } section)
        {
            return;
        }

        string type = section.Get("type").Text();
        if (type == "Sequence")
        {
            foreach (JsonField item in section.Get("decoders").Items())
            {
                Check(item);
            }
        }
        else if (type != "ByteLevel")
        {
            throw section.Fault($"is of type '{Excerpt.Of(type)}'; ByteLevel is supported");
        }
    }
}
