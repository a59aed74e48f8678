using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Constraints;

/// <summary>What a generation may write, as an immutable tree. Texts are bytes of UTF-8; control tokens come in by id only.</summary>
internal abstract record Grammar
{
    /// <summary>Any JSON object.</summary>
    public static Grammar AnyJsonObject { get; } = JsonSchema(new JsonObject { ["type"] = "object" });

    /// <summary>Any JSON value.</summary>
    public static Grammar AnyJson { get; } = JsonSchema(JsonValue.Create(true));

    /// <summary>Exactly this text, in any tokens that spell it.</summary>
    public static Grammar Text(string text) => new TextGrammar(Encoding.UTF8.GetBytes(text));

    /// <summary>Exactly one added token.</summary>
    public static Grammar Token(int addedTokenId) => new TokenGrammar(addedTokenId);

    /// <summary>Trusted text: the added tokens that stand in it are these tokens, the rest is ordinary text.</summary>
    public static Grammar Framing(string trustedText, ModelTokenizer tokenizer)
    {
        var parts = new List<Grammar>();
        foreach (PromptSegment segment in tokenizer.EncodePrompt(trustedText))
        {
            parts.Add(segment.IsAdded ? Token(segment.TokenIds[0]) : Text(segment.Text));
        }

        return Sequence([.. parts]);
    }

    /// <summary>The parts one after another; none is the empty text.</summary>
    public static Grammar Sequence(params ReadOnlySpan<Grammar> parts) => new SequenceGrammar(parts.ToArray());

    /// <summary>Any one of the branches.</summary>
    public static Grammar Choice(params ReadOnlySpan<Grammar> branches) =>
        branches.Length > 0 ? new ChoiceGrammar(branches.ToArray()) : throw new ArgumentException("A choice needs at least one branch.", nameof(branches));

    /// <param name="item">What is repeated.</param>
    /// <param name="separator">What stands between two items.</param>
    /// <param name="min">How many items there are at least.</param>
    /// <param name="max">How many items there are at most; null: no bound.</param>
    public static Grammar Repeat(Grammar item, Grammar? separator = null, int min = 0, int? max = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(min);
        if (max < min)
        {
            throw new ArgumentOutOfRangeException(nameof(max), max, $"At most {max} items cannot be at least {min}.");
        }

        return new RepeatGrammar(item, separator, min, max);
    }

    /// <summary>
    /// A JSON value that the schema takes. All that can be written is valid, but not all that is valid can be written:
    /// keywords for objects without a type mean an object, those for arrays an array, and so on; an object that has properties
    /// or patternProperties and no additionalProperties has no others; numbers have no exponent and at most 15 digits; names
    /// that the schema does not mention have at most 64 characters and no escapes; white space is a space, or a line feed and
    /// up to 64 spaces; containers lie at most 60 deep.
    /// </summary>
    public static Grammar JsonSchema(JsonElement schema) => new SchemaGrammar(schema.Clone());

    /// <inheritdoc cref="JsonSchema(JsonElement)"/>
    public static Grammar JsonSchema(JsonNode schema) => new SchemaGrammar(JsonSerializer.SerializeToElement(schema));
}
