namespace MixKVQ.AgentConnector.Tokens.Normalization;

/// <summary>Applies normalizers one after another.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<ITextNormalizer> stages, string source) : ITextNormalizer
{
    // Normal form D makes the most of a text among honest files: a Greek letter with its marks becomes four.
    private const int MaxGrowth = 16;

    // A short text may get a prefix.
    private const int FreeLength = 64;

    /// <inheritdoc/>
    public string Normalize(string text, TextPlace place)
    {
        long maxLength = ((long)text.Length * MaxGrowth) + FreeLength;
        string current = text;
        foreach (ITextNormalizer stage in stages)
        {
            current = stage.Normalize(current, place);
            if (current.Length > maxLength)
            {
                throw new InvalidDataException($"{source}: the normalizer makes {current.Length} characters of {text.Length}; it may make {MaxGrowth} of one. Take the tokenizer.json of a known model.");
            }
        }

        return current;
    }
}
