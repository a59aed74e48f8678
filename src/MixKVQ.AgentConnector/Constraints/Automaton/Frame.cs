namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>A place within a rule, with all that must be remembered there. Compared by value.</summary>
internal abstract record Frame
{
    /// <summary>The bytes (and added tokens) of the shortest way to the end of the rule from here.</summary>
    public abstract int Shortest { get; }

    /// <summary>Whether what lies above is inside a JSON array or object.</summary>
    public virtual bool IsContainer => false;

    /// <summary>Adds the stacks that are reached without reading, among them this one if it can read.</summary>
    /// <param name="self">The stack that has this frame on top.</param>
    /// <param name="closure">Takes the stacks.</param>
    public virtual void Expand(FrameStack self, Closure closure) => closure.Keep(self);

    /// <summary>False where <see cref="Step"/> would add nothing; may err to the other side.</summary>
    public abstract bool MayStep(byte value);

    /// <summary>Adds the stacks that reading a byte leads to.</summary>
    public abstract void Step(FrameStack self, byte value, Closure closure);
}
