namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Gathers the stacks of one configuration, each once, following all that happens without reading.</summary>
internal sealed class Closure
{
    private const int MaxStacks = 65_536;

    private readonly HashSet<FrameStack> _seen = [];
    private readonly List<FrameStack> _kept = [];

    /// <summary>Whether the empty stack is among them.</summary>
    public bool IsComplete { get; private set; }

    public IReadOnlyList<FrameStack> Kept => _kept;

    /// <summary>Adds a stack and all that is reached from it without reading.</summary>
    public void Add(FrameStack? stack)
    {
        if (stack is null)
        {
            IsComplete = true;
        }
        else if (_seen.Add(stack))
        {
            if (_seen.Count > MaxStacks)
            {
                throw new NotSupportedException($"The grammar is too ambiguous: at one place it may go on in more than {MaxStacks} ways. Take fewer alternatives.");
            }

            stack.Top.Expand(stack, this);
        }
    }

    /// <summary>Pushes a frame and follows it.</summary>
    public void Add(Frame top, FrameStack? rest) => Add(new FrameStack(top, rest));

    /// <summary>Takes a stack whose top can read. Called by the top itself.</summary>
    public void Keep(FrameStack stack) => _kept.Add(stack);
}
