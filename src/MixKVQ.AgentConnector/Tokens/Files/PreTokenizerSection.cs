using MixKVQ.AgentConnector.Tokens.PreTokenization;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>The "pre_tokenizer" of tokenizer.json.</summary>
internal static class PreTokenizerSection
{
    /// <param name="field">The section, or null where it is absent.</param>
    /// <param name="file">For messages.</param>
    /// <exception cref="InvalidDataException">A part is not supported, or none is ByteLevel, without which BPE is not byte-level.</exception>
    public static IPreTokenizer Read(JsonField? field, string file)
    {
        var stages = new List<IPreTokenizer>();
        bool isByteLevel = false;
        if (field is { } section)
        {
            AddStages(section, stages, ref isByteLevel);
        }

        return isByteLevel
            ? new SequencePreTokenizer(stages)
            : throw new InvalidDataException($"{file}: pre_tokenizer has no ByteLevel: only byte-level BPE (as of Qwen or Llama 3) is supported, not SentencePiece's (as of Llama 2 or Phi-3).");
    }

    private static void AddStages(JsonField section, List<IPreTokenizer> stages, ref bool isByteLevel)
    {
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
                throw section.Fault($"is of type '{Excerpt.Of(type)}'; ByteLevel, Split, Digits and Sequence are supported");
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
