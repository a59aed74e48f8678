using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>The ids that a <see cref="ScriptedModel"/> has seen, with the page borders of the real cache.</summary>
internal sealed class ScriptedSequence : IConversationSequence
{
    private readonly ScriptedModel _model;
    private readonly List<int> _seen;
    private bool _disposed;

    public ScriptedSequence(ScriptedModel model, List<int> seen)
    {
        _model = model;
        _seen = seen;
        model.Count(1);
    }

    /// <inheritdoc/>
    public int VocabularySize => _model.Tokenizer.VocabularySize;

    /// <inheritdoc/>
    public int TokenCount => _seen.Count;

    /// <inheritdoc/>
    public int TokensToPageBorder => (_seen.Count < 32 ? 160 : PageBorder(_seen.Count) + 128) - _seen.Count;

    /// <inheritdoc/>
    public CacheUsage Usage => TinyTokenizer.Usage(_seen.Count);

    /// <inheritdoc/>
    public void Append(ReadOnlyMemory<int> tokens, Span<float> lastLogits)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Assert.InRange(tokens.Length, 1, TokensToPageBorder);
        _model.OnStep?.Invoke(tokens.Length);
        _seen.AddRange(tokens.Span);
        if (!lastLogits.IsEmpty)
        {
            lastLogits.Clear();
            lastLogits[_model.Next(_seen)] = _model.Certainty;
        }
    }

    /// <inheritdoc/>
    public IConversationSequence Fork()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new ScriptedSequence(_model, [.. _seen]);
    }

    /// <inheritdoc/>
    public int PageBorder(int tokens) => tokens < 32 ? 0 : 32 + (tokens - 32) / 128 * 128;

    /// <inheritdoc/>
    public int TruncateToPageBorder(int maxTokens)
    {
        int border = PageBorder(Math.Min(maxTokens, _seen.Count));
        _seen.RemoveRange(border, _seen.Count - border);
        return border;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _model.Count(-1);
        }
    }
}
