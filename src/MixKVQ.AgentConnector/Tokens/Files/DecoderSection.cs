namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>The "decoder" of tokenizer.json: ByteLevel, or SentencePiece's with the parts that its models use.</summary>
internal static class DecoderSection
{
    private const int MaxParts = 32;

    // Known files write one character for another.
    private const int MaxContentLength = 16;

    /// <param name="field">The section, or null where it is absent.</param>
    /// <param name="isByteLevel">Whether the pre-tokenizer makes the model byte-level, whose decoder must be so too.</param>
    /// <param name="file">For messages.</param>
    public static TokenSpelling Read(JsonField? field, bool isByteLevel, string file)
    {
        var parts = new List<JsonField>();
        if (field is { } section)
        {
            AddParts(section, parts);
        }

        if (isByteLevel)
        {
            return parts.Find(part => Type(part) != "ByteLevel") is { File: not null } other
                ? throw other.Fault($"is of type '{Excerpt.Of(Type(other))}'; with a pre_tokenizer that is ByteLevel, ByteLevel is supported")
                : TokenSpelling.ByteLevel;
        }

        if (parts.Count == 0)
        {
            throw new InvalidDataException($"{file}: decoder is missing, so that it is unknown how tokens make a text.");
        }

        TokenSpelling spelling = new();
        bool isFused = false;
        foreach (JsonField part in parts)
        {
            spelling = With(spelling, part, ref isFused);
        }

        return spelling;
    }

    private static void AddParts(JsonField section, List<JsonField> parts)
    {
        if (Type(section) == "Sequence")
        {
            foreach (JsonField item in section.Get("decoders").Items())
            {
                AddParts(item, parts);
            }
        }
        else if (parts.Count == MaxParts)
        {
            throw section.Fault($"is one of more than {MaxParts} decoders");
        }
        else
        {
            parts.Add(section);
        }
    }

    private static TokenSpelling With(TokenSpelling spelling, JsonField part, ref bool isFused)
    {
        switch (Type(part))
        {
            case "Replace" when !isFused && !spelling.HasByteTokens:
                JsonField pattern = part.Get("pattern");
                return pattern.FindText("String") is { Length: > 0 } old
                    ? spelling with { Replacements = [.. spelling.Replacements, (old, Content(part.Get("content")))] }
                    : throw pattern.Fault("is no String that is not empty; in a decoder others are not supported");
            case "Metaspace" when !isFused && !spelling.HasByteTokens:
                (char replacement, PreTokenization.PrependScheme scheme) = MetaspaceSection.Read(part);
                return spelling with
                {
                    Replacements = [.. spelling.Replacements, (replacement.ToString(), " ")],
                    DropsFirstSpace = spelling.DropsFirstSpace || scheme != PreTokenization.PrependScheme.Never,
                };
            case "ByteFallback" when !isFused:
                return spelling with { HasByteTokens = true };
            case "Fuse":
                isFused = true;
                return spelling;
            case "Strip" when isFused && !spelling.DropsFirstSpace:
                int start = part.Get("start").Integer();
                bool isKnown = part.Get("content").Text() == " " && start is 0 or 1 && part.Get("stop").Integer() == 0;
                return isKnown
                    ? spelling with { DropsFirstSpace = start == 1 }
                    : throw part.Fault("strips something else than one space at the start, which is not supported");
            case "Replace" or "Metaspace" or "ByteFallback" or "Strip":
                throw part.Fault($"is a {Type(part)} where none is supported; the order is Replace or Metaspace, ByteFallback, Fuse, Strip");
            case "ByteLevel":
                throw part.Fault("is ByteLevel, but pre_tokenizer has no ByteLevel; both or none must be");
            case var type:
                throw part.Fault($"is of type '{Excerpt.Of(type)}'; ByteLevel, Replace, Metaspace, ByteFallback, Fuse, Strip and Sequence are supported");
        }
    }

    private static string Type(JsonField section) => section.Get("type").Text();

    private static string Content(JsonField field) => field.Text() is { Length: <= MaxContentLength } text
        ? text
        : throw field.Fault($"has more than the {MaxContentLength} characters supported");
}
