using MixKVQ.AgentConnector.Tokens.PreTokenization;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>The "pre_tokenizer" of tokenizer.json.</summary>
internal static class PreTokenizerSection
{
    private const int MaxStages = 32;

    /// <param name="field">The section, or null where it is absent.</param>
    /// <param name="isByteLevel">Whether one of its parts is ByteLevel, which makes the model so.</param>
    /// <exception cref="InvalidDataException">A part is not supported.</exception>
    public static IPreTokenizer Read(JsonField? field, out bool isByteLevel)
    {
        var stages = new List<IPreTokenizer>();
        isByteLevel = false;
        if (field is { } section)
        {
            AddStages(section, stages, ref isByteLevel);
        }

        return new SequencePreTokenizer(stages);
    }

    private static void AddStages(JsonField section, List<IPreTokenizer> stages, ref bool isByteLevel)
    {
        if (stages.Count >= MaxStages)
        {
            throw section.Fault($"is one of more than {MaxStages} pre-tokenizers");
        }

        switch (section.Get("type").Text())
        {
            case "Sequence":
                foreach (JsonField item in section.Get("pretokenizers").Items())
                {
                    AddStages(item, stages, ref isByteLevel);
                }

                break;
            case "Split":
                stages.Add(ReadSplit(section));
                break;
            case "Digits":
                stages.Add(new SplitPreTokenizer(
                    Pattern(KnownPatterns.Number, section.File),
                    section.FindFlag("individual_digits", absent: false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous,
                    invert: false));
                break;
            case "Metaspace":
                (char replacement, PrependScheme scheme) = MetaspaceSection.Read(section);
                stages.Add(new MetaspacePreTokenizer(replacement, scheme, section.FindFlag("split", absent: true)));
                break;
            case "ByteLevel":
                isByteLevel = true;
                if (section.FindFlag("add_prefix_space", absent: true))
                {
                    stages.Add(new PrefixSpacePreTokenizer());
                }

                if (section.FindFlag("use_regex", absent: true))
                {
                    stages.Add(new SplitPreTokenizer(Pattern(KnownPatterns.Gpt2, section.File), SplitBehavior.Isolated, invert: false));
                }

                break;
            case var type:
                throw section.Fault($"is of type '{Excerpt.Of(type)}'; ByteLevel, Metaspace, Split, Digits and Sequence are supported");
        }
    }

    private static SplitPreTokenizer ReadSplit(JsonField section)
    {
        JsonField pattern = section.Get("pattern");
        string expression = pattern.FindText("Regex")
            ?? (pattern.FindText("String") is { } literal ? System.Text.RegularExpressions.Regex.Escape(literal) : throw pattern.Fault("is neither a Regex nor a String"));
        JsonField behavior = section.Get("behavior");
        return Enum.GetNames<SplitBehavior>().Contains(behavior.Text())
            ? new SplitPreTokenizer(Pattern(expression, section.File), Enum.Parse<SplitBehavior>(behavior.Text()), section.FindFlag("invert", absent: false))
            : throw behavior.Fault($"is '{Excerpt.Of(behavior.Text())}'; {string.Join(", ", Enum.GetNames<SplitBehavior>())} are supported");
    }

    private static SplitPattern Pattern(string expression, string file) => new(expression, file, SplitPattern.DefaultTimeLimit);
}
