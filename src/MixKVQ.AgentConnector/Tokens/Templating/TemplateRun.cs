using System.Runtime.CompilerServices;
using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>
/// One rendering: where it stands, what it has used of <see cref="TemplateLimits"/>, and whether it is cancelled.
/// Whatever does work of a size that a template chooses asks here first.
/// </summary>
internal sealed class TemplateRun(DateTimeOffset now, CancellationToken cancellationToken, long maxSteps = TemplateLimits.MaxSteps)
{
    private const int StringBytes = 32;
    private const int ItemBytes = 48;
    private const int EntryBytes = 128;

    private long _steps;
    private long _nextCancellationCheck;
    private long _valueBytes;
    private int _depth;

    /// <summary>The time that <c>strftime_now</c> prints.</summary>
    public DateTimeOffset Now { get; } = now;

    /// <summary>The source line of what is being evaluated.</summary>
    public int Line { get; set; } = 1;

    /// <summary>Counts work before it is done.</summary>
    /// <exception cref="TemplateException">It would exceed the run's steps.</exception>
    /// <exception cref="OperationCanceledException">The rendering was cancelled.</exception>
    public void Step(long count = 1)
    {
        _steps += count;
        if (_steps >= _nextCancellationCheck)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _nextCancellationCheck = _steps + TemplateLimits.CancellationInterval;
            if (_steps > maxSteps)
            {
                throw Error($"the template takes more than {maxSteps} steps");
            }
        }
    }

    /// <summary>Counts the work of reading a string once.</summary>
    public void StepOver(string text) => Step(1 + (text.Length / TemplateLimits.CharsPerStep));

    /// <summary>Counts a string before it is made.</summary>
    public void ReserveChars(long count) => ReserveBytes(StringBytes + (sizeof(char) * count), 1 + (count / TemplateLimits.CharsPerStep));

    /// <summary>Counts a list before it is made.</summary>
    public void ReserveItems(long count) => ReserveBytes(ItemBytes * (1 + count), 1 + count);

    /// <summary>Counts a mapping before it is made, or entries before they are added.</summary>
    public void ReserveEntries(long count) => ReserveBytes(EntryBytes * (1 + count), 1 + count);

    /// <summary>A string value, counted.</summary>
    public StringValue Text(string text)
    {
        ReserveChars(text.Length);
        return new StringValue(text);
    }

    /// <summary>Goes a level deeper into evaluation; <see cref="Leave"/> comes back. An exception ends the run, so it need not.</summary>
    public void Enter()
    {
        Step();
        if (++_depth > TemplateLimits.MaxEvaluationDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Error($"evaluation goes more than {TemplateLimits.MaxEvaluationDepth} levels deep");
        }
    }

    public void Leave() => _depth--;

    public TemplateException Error(string reason) => new(Line, reason);

    private void ReserveBytes(long bytes, long steps)
    {
        Step(steps);
        _valueBytes += bytes;
        if (_valueBytes > TemplateLimits.MaxValueBytes)
        {
            throw Error($"the template makes values of more than {TemplateLimits.MaxValueBytes >> 20} MiB");
        }
    }
}
