using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Threading;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>Norms and rotates the new queries and keys of a batch and appends to its caches, a conversation an item. One batch at a time.</summary>
/// <param name="config">The model's shape.</param>
/// <param name="rotary">Borrowed.</param>
internal sealed unsafe class AppendJob(ModelConfig config, RotaryEmbedding rotary) : ITeamJob
{
    private readonly FloatRows _rotations = new(config.HeadDim);
    private readonly int _queryWidth = config.QueryHeadCount * config.HeadDim;
    private readonly int _keyWidth = config.KeyValueHeadCount * config.HeadDim;
    private KvCache[] _caches = [];
    private Exception?[] _failures = [];
    private int _count;
    private SelfAttention? _attention;
    private int _layer;
    private FloatRows? _projected;
    private FloatRows? _hidden;

    /// <summary>What went wrong with each conversation of the batch, or null.</summary>
    public ReadOnlySpan<Exception?> Failures => _failures.AsSpan(0, _count);

    /// <summary>Begins a batch.</summary>
    public void Begin(ReadOnlySpan<DecodeInput> inputs)
    {
        _count = inputs.Length;
        _rotations.Reserve(_count);
        if (_caches.Length < _count)
        {
            (_caches, _failures) = (new KvCache[_count], new Exception?[_count]);
        }

        Array.Clear(_failures);
        for (int i = 0; i < _count; i++)
        {
            _caches[i] = inputs[i].Cache;
            rotary.RowOnCpu(_caches[i].TokenCount).CopyTo(_rotations.Span(i));
        }
    }

    /// <summary>Lets the batch's caches go.</summary>
    public void End()
    {
        Array.Clear(_caches);
        Array.Clear(_failures);
    }

    /// <summary>Does a layer's part of the batch.</summary>
    /// <param name="team">Shares the conversations.</param>
    /// <param name="attention">The layer's norms.</param>
    /// <param name="layer">The layer's index.</param>
    /// <param name="projected">Queries, keys and values of each conversation; normed and rotated in place.</param>
    /// <param name="hidden">The layer's input.</param>
    public void Run(WorkerTeam team, SelfAttention attention, int layer, FloatRows projected, FloatRows hidden)
    {
        (_attention, _layer, _projected, _hidden) = (attention, layer, projected, hidden);
        team.Run(this, _count);
    }

    /// <inheritdoc/>
    public void Execute(int item, int worker)
    {
        if (_failures[item] is not null)
        {
            return;
        }

        Span<float> projected = _projected!.Span(item);
        Span<float> queries = projected[.._queryWidth];
        Span<float> keys = projected.Slice(_queryWidth, _keyWidth);
        NormAndRotate(queries, _attention!.QueryNorm, item);
        NormAndRotate(keys, _attention.KeyNorm, item);
        try
        {
            _caches[item].Layer(_layer).Append(queries, keys, projected[(_queryWidth + _keyWidth)..], _hidden!.Span(item));
        }
        catch (Exception exception)
        {
            // Whatever went wrong is this conversation's alone.
            _failures[item] = exception;
        }
    }

    private void NormAndRotate(Span<float> heads, RmsNorm? norm, int item)
    {
        ReadOnlySpan<float> rotation = _rotations.Span(item);
        for (; !heads.IsEmpty; heads = heads[config.HeadDim..])
        {
            Span<float> head = heads[..config.HeadDim];
            if (norm is not null)
            {
                PointwiseRows.Normalize(head, norm.OnCpu, norm.Epsilon, head);
            }

            PointwiseRows.Rotate(head, rotation);
        }
    }
}
