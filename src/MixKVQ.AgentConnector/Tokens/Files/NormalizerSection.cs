using MixKVQ.AgentConnector.Tokens.Normalization;
using MixKVQ.AgentConnector.Tokens.PreTokenization;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>The "normalizer" of tokenizer.json.</summary>
internal static class NormalizerSection
{
    private const int MaxStages = 32;

    // Known files insert one character.
    private const int MaxInsertedLength = 16;

    public static ITextNormalizer? Read(JsonField? field)
    {
        int stages = 0;
        return field is { } section ? Read(section, ref stages) : null;
    }

    private static ITextNormalizer Read(JsonField section, ref int stages)
    {
        if (++stages > MaxStages)
        {
            throw section.Fault($"is one of more than {MaxStages} normalizers");
        }

        switch (section.Get("type").Text())
        {
            case "NFC":
                return CanonicalNormalizer.Nfc;
            case "NFD":
                return CanonicalNormalizer.Nfd;
            case "Prepend":
                return new PrependNormalizer(Inserted(section.Get("prepend")));
            case "Replace":
                return ReadReplace(section);
            case "Sequence":
                var items = new List<ITextNormalizer>();
                foreach (JsonField item in section.Get("normalizers").Items())
                {
                    items.Add(Read(item, ref stages));
                }

                return new SequenceNormalizer(items, section.File);
            case var type:
                throw section.Fault($"is of type '{Excerpt.Of(type)}'; NFC, NFD, Prepend, Replace and Sequence are supported");
        }
    }

    private static ITextNormalizer ReadReplace(JsonField section)
    {
        JsonField pattern = section.Get("pattern");
        string content = Inserted(section.Get("content"));
        if (pattern.FindText("Regex") is { } expression)
        {
            return new PatternReplaceNormalizer(new SplitPattern(expression, $"{section.File}: {pattern.Path}", SplitPattern.DefaultTimeLimit), content);
        }

        return pattern.FindText("String") is { Length: > 0 } literal
            ? new ReplaceNormalizer(literal, content)
            : throw pattern.Fault("is neither a Regex nor a String that is not empty");
    }

    private static string Inserted(JsonField field) => field.Text() is { Length: <= MaxInsertedLength } text
        ? text
        : throw field.Fault($"has more than the {MaxInsertedLength} characters supported");
}
