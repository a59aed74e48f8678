namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>The "post_processor" of tokenizer.json, as far as it concerns a single text.</summary>
internal static class PostProcessorSection
{
    public static SequenceTemplate Read(JsonField? field) => field is not { } section ? SequenceTemplate.Empty : section.Get("type").Text() switch
    {
        // ByteLevel changes offsets only, not ids.
        "ByteLevel" => SequenceTemplate.Empty,
        "Sequence" => section.Get("processors").Items().Aggregate(SequenceTemplate.Empty, (inner, item) => Read(item).Around(inner)),
        "TemplateProcessing" => ReadTemplate(section),
        var type => throw section.Fault($"is of type '{Excerpt.Of(type)}'; TemplateProcessing, ByteLevel and Sequence are supported"),
    };

    private static SequenceTemplate ReadTemplate(JsonField section)
    {
        var prefix = new List<int>();
        var suffix = new List<int>();
        int texts = 0;
        foreach (JsonField item in section.Get("single").Items())
        {
            if (item.Find("Sequence") is { } sequence)
            {
                texts++;
                if (sequence.Get("id").Text() != "A")
                {
                    throw sequence.Fault("is not the sequence A, the only one of a single text");
                }
            }
            else if (item.Find("SpecialToken") is { } token)
            {
                (texts == 0 ? prefix : suffix).AddRange(FindIds(section, token.Get("id").Text()));
            }
            else
            {
                throw item.Fault("is neither a Sequence nor a SpecialToken");
            }
        }

        return texts == 1 ? new SequenceTemplate(prefix, suffix) : throw section.Fault($"has the text {texts} times in its template for a single one; once is supported");
    }

    private static IEnumerable<int> FindIds(JsonField section, string name)
    {
        JsonField tokens = section.Get("special_tokens");
        JsonField token = tokens.Find(name) ?? throw tokens.Fault($"lacks '{Excerpt.Of(name)}', which the template names");
        foreach (JsonField id in token.Get("ids").Items())
        {
            yield return id.Integer() is >= 0 and < TokenizerJson.MaxTokenCount and var value ? value : throw id.Fault("is no token id");
        }
    }
}
