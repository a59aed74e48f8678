namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>What a state of the nondeterministic automaton does.</summary>
internal enum PositionKind
{
    /// <summary>Reads a code point out of a set.</summary>
    Character,

    /// <summary>Goes on in one of two ways without reading.</summary>
    Split,

    /// <summary>Goes on at the text's start only.</summary>
    Start,

    /// <summary>Goes on at the text's end only.</summary>
    End,

    /// <summary>The pattern has matched, whatever follows.</summary>
    Matched,
}
