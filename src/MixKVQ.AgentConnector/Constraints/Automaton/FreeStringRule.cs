namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>
/// Any string of so many characters (code points). All places of all such strings share their tokens' classes, since a
/// state is no more than a count.
/// </summary>
internal sealed class FreeStringRule(int min, int? max, bool hasEscapes = true) : StringRule
{
    /// <summary>Whether characters may be written as escapes.</summary>
    public bool HasEscapes => hasEscapes;

    /// <inheritdoc/>
    public override StringPosition Start => default;

    /// <summary>How many characters must yet come.</summary>
    public int Needed(StringPosition position) => Math.Max(0, min - position.State);

    /// <summary>How many may yet come, a started one included.</summary>
    public int Room(StringPosition position) => max - position.State ?? int.MaxValue;

    /// <inheritdoc/>
    public override bool Accepts(StringPosition position) => position.Lexical == JsonLexer.Plain && position.State >= min;

    /// <inheritdoc/>
    public override bool TryStep(StringPosition position, byte value, out StringPosition next)
    {
        next = position;
        int lexical = position.Lexical;
        if (lexical == JsonLexer.Plain)
        {
            if (Room(position) <= 0 || (value == '\\' && !hasEscapes))
            {
                return false;
            }

            lexical = JsonLexer.Begin(value);
        }
        else
        {
            lexical = JsonLexer.IsUtf(lexical) ? JsonLexer.StepUtf(lexical, value, out _) : JsonLexer.StepEscape(lexical, value);
        }

        if (lexical < 0)
        {
            return false;
        }

        // Without a longest length, all counts from the least on are alike.
        int count = lexical != JsonLexer.Plain ? position.State : max is null ? Math.Min(position.State + 1, min) : position.State + 1;
        next = new StringPosition(JsonLexer.IsUtf(lexical) ? JsonLexer.WithoutValue(lexical) : lexical, count);
        return true;
    }

    /// <inheritdoc/>
    public override int Missing(StringPosition position) => max < min
        ? Never
        : position.Lexical == JsonLexer.Plain
        ? Needed(position)
        : JsonLexer.Missing(position.Lexical) + Math.Max(0, Needed(position) - 1);
}
