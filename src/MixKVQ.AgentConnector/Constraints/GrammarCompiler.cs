using MixKVQ.AgentConnector.Constraints.Automaton;
using MixKVQ.AgentConnector.Constraints.Schema;

namespace MixKVQ.AgentConnector.Constraints;

/// <summary>Turns a grammar into the rules of an automaton.</summary>
internal sealed class GrammarCompiler
{
    private readonly RuleSet _rules = new();

    /// <exception cref="NotSupportedException">A schema is not supported, or nothing fits the grammar.</exception>
    public Rule Compile(Grammar grammar)
    {
        Rule root = Translate(grammar);
        _rules.Settle();
        if (!root.Fits(0))
        {
            throw new NotSupportedException(root.IsPossible
                ? $"The grammar asks for more than {Rule.DepthLimit} JSON containers within each other, which common readers refuse."
                : "The grammar admits no text: a JSON schema in it contradicts itself, or requires itself without end. Look for properties that are required but forbidden, bounds that exclude each other, and $ref cycles in required properties.");
        }

        return root;
    }

    private Rule Translate(Grammar grammar)
    {
        switch (grammar)
        {
            case TextGrammar text:
                return _rules.Add(new TextRule(text.Bytes));
            case TokenGrammar token:
                return _rules.Add(new TokenRule(token.Id));
            case SequenceGrammar sequence:
                return _rules.Add(new SequenceRule([.. sequence.Parts.Select(Translate)]));
            case ChoiceGrammar choice:
                return _rules.Add(new ChoiceRule { Branches = [.. choice.Branches.Select(Translate)] });
            case RepeatGrammar repeat:
                Rule item = Translate(repeat.Item);
                return _rules.Add(new RepeatRule(item, repeat.Separator is null ? null : Translate(repeat.Separator), repeat.Min, repeat.Max));
            case SchemaGrammar schema:
                return new SchemaCompiler(schema.Schema, _rules).Compile();
            default:
                throw new ArgumentException($"{grammar.GetType().Name} is no known grammar.", nameof(grammar));
        }
    }
}
