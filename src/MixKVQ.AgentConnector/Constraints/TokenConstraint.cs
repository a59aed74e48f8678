using MixKVQ.AgentConnector.Constraints.Automaton;
using MixKVQ.AgentConnector.Constraints.Masks;

namespace MixKVQ.AgentConnector.Constraints;

/// <summary>
/// A grammar compiled for one vocabulary. What generations find out (states, masks) is kept for the others, within bounds.
/// Thread-safe.
/// </summary>
internal sealed class TokenConstraint
{
    private readonly Rule _root;
    private readonly StringTokensCache _strings = new();

    private TokenConstraint(Rule root, TokenVocabulary vocabulary)
    {
        _root = root;
        Vocabulary = vocabulary;
    }

    public TokenVocabulary Vocabulary { get; }

    /// <summary>Where the states of all generations are kept.</summary>
    public ConfigurationStore Store { get; } = new();

    /// <exception cref="NotSupportedException">
    /// A schema uses keywords that are not supported (the message names each), admits no value at all, or is too large.
    /// </exception>
    public static TokenConstraint Compile(Grammar grammar, TokenVocabulary vocabulary)
    {
        var compiler = new GrammarCompiler();
        return new TokenConstraint(compiler.Compile(grammar), vocabulary);
    }

    /// <summary>A generation's position at the beginning.</summary>
    public ConstraintCursor Start()
    {
        var closure = new Closure();
        _root.Enter(null, closure);
        return new ConstraintCursor(this, Store.Intern(closure));
    }

    /// <summary>The tokens that may come.</summary>
    public TokenMask MaskOf(Configuration configuration)
    {
        if (configuration.Masks is not TokenMask mask)
        {
            mask = new MaskBuilder(Vocabulary, Store, _strings).Build(configuration);
            configuration.Masks = mask;
        }

        return mask;
    }

    /// <summary>The tokens that lead to the end the shortest way.</summary>
    public TokenMask ClosingMaskOf(Configuration configuration)
    {
        if (configuration.ClosingMasks is not TokenMask mask)
        {
            mask = new MaskBuilder(Vocabulary, Store, _strings).BuildClosing(configuration);
            configuration.ClosingMasks = mask;
        }

        return mask;
    }
}
