namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>A frame within a string, where many tokens are allowed that do not touch the stack below.</summary>
internal interface IStringFrame
{
    StringRule Rule { get; }

    StringPosition Position { get; }

    /// <summary>The ways to go on after the closing quote, as far as they do not depend on the text of the string.</summary>
    void Close(FrameStack self, Closure closure);

    /// <summary>Texts that this string, from here, may not become; mostly none.</summary>
    IReadOnlyList<ReadOnlyMemory<byte>> Excluded { get; }
}
