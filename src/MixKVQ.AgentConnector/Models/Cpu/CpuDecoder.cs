using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Threading;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>
/// One token of each of several conversations through the model, on data pointers, in float32 but for weights and caches: all memory is taken when a batch is
/// larger than any before. One batch at a time.
/// </summary>
internal sealed unsafe class CpuDecoder : IDecoder
{
    private readonly ModelConfig _config;
    private readonly DecoderParts _parts;
    private readonly PackedAttention _attention;
    private readonly WorkerTeam _team;
    private readonly StoredProduct _stored;
    private readonly AddedProduct _added;
    private readonly GatedProduct _gated;
    private readonly AppendJob _append;
    private readonly FloatRows _hidden;
    private readonly FloatRows _normed;
    private readonly FloatRows _projected;
    private readonly FloatRows _attended;
    private readonly FloatRows _inner;
    private readonly FloatRows _logits;
    private DecodeQuery[] _queries = [];

    /// <param name="config">The model's shape.</param>
    /// <param name="parts">The model's weights; borrowed.</param>
    /// <param name="attention">Borrowed.</param>
    /// <param name="team">Borrowed.</param>
    public CpuDecoder(ModelConfig config, DecoderParts parts, PackedAttention attention, WorkerTeam team)
    {
        _config = config;
        _parts = parts;
        _attention = attention;
        _team = team;
        _stored = new StoredProduct(team);
        _added = new AddedProduct(team);
        _gated = new GatedProduct(team);
        _append = new AppendJob(config, parts.Rotary);
        int queryWidth = config.QueryHeadCount * config.HeadDim;
        _hidden = new FloatRows(config.HiddenSize);
        _normed = new FloatRows(config.HiddenSize);
        _projected = new FloatRows(queryWidth + (2 * config.KeyValueHeadCount * config.HeadDim));
        _attended = new FloatRows(queryWidth);
        _inner = new FloatRows(config.IntermediateSize);
        _logits = new FloatRows(config.VocabularySize);
    }

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<DecodeInput> inputs, Span<Exception?> failures)
    {
        Reserve(inputs.Length);
        failures[..inputs.Length].Clear();
        _append.Begin(inputs);
        for (int i = 0; i < inputs.Length; i++)
        {
            _parts.Embedding.ReadRow(inputs[i].TokenId, _hidden.Span(i));
        }

        for (int layer = 0; layer < _parts.Layers.Count; layer++)
        {
            RunLayer(_parts.Layers[layer], layer, inputs);
        }

        int logits = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            failures[i] = _append.Failures[i] ?? Complete(inputs[i].Cache);
            logits = Math.Max(logits, Math.Min(inputs[i].Logits.Length, _config.VocabularySize));
        }

        _append.End();
        if (logits > 0)
        {
            Finish(inputs.Length, logits);
            for (int i = 0; i < inputs.Length; i++)
            {
                Span<float> wanted = inputs[i].Logits.Span;
                _logits.Span(i)[..Math.Min(wanted.Length, logits)].CopyTo(wanted);
            }
        }
    }

    /// <summary>The logits of a hidden state, float32, as a step ends.</summary>
    /// <param name="hidden">[hidden], before the final norm.</param>
    /// <param name="logits">[vocabulary]; overwritten.</param>
    public void Logits(ReadOnlySpan<float> hidden, Span<float> logits)
    {
        Reserve(1);
        hidden.CopyTo(_hidden.Span(0));
        Finish(1, logits.Length);
        _logits.Span(0)[..logits.Length].CopyTo(logits);
    }

    private void RunLayer(DecoderLayer layer, int index, ReadOnlySpan<DecodeInput> inputs)
    {
        int count = inputs.Length;
        SelfAttention attention = layer.Attention;
        Normalize(layer.InputNorm, count);
        _stored.Run(attention.QueryKeyValue.OnCpu, _normed, _projected, count, attention.QueryKeyValue.OnCpu.Outputs);
        _append.Run(_team, attention, index, _projected, _hidden);
        int live = 0;
        for (int i = 0; i < count; i++)
        {
            if (_append.Failures[i] is null)
            {
                _queries[live++] = new DecodeQuery(inputs[i].Cache.Layer(index).View, _projected[i], _attended[i]);
            }
        }

        _attention.Attend(_queries.AsSpan(0, live), attention.Scale);
        _queries.AsSpan(0, live).Clear();
        _added.Run(attention.Output.OnCpu, _attended, _hidden, count, _config.HiddenSize);
        Normalize(layer.PostAttentionNorm, count);
        _gated.Run(layer.Mlp.GateAndUp.OnCpu, _normed, _inner, count, _config.IntermediateSize);
        _added.Run(layer.Mlp.Down.OnCpu, _inner, _hidden, count, _config.HiddenSize);
    }

    // The logits of the hidden rows, into their rows.
    private void Finish(int count, int logits)
    {
        Normalize(_parts.FinalNorm, count);
        _stored.Run(_parts.Output.OnCpu, _normed, _logits, count, logits);
    }

    private void Normalize(RmsNorm norm, int count)
    {
        ReadOnlySpan<float> weight = norm.OnCpu;
        for (int i = 0; i < count; i++)
        {
            PointwiseRows.Normalize(_hidden.Span(i), weight, norm.Epsilon, _normed.Span(i));
        }
    }

    private static Exception? Complete(KvCache cache)
    {
        try
        {
            cache.CompleteStep();
            return null;
        }
        catch (Exception exception)
        {
            // Whatever went wrong is this conversation's alone.
            return exception;
        }
    }

    private void Reserve(int count)
    {
        _hidden.Reserve(count);
        _normed.Reserve(count);
        _projected.Reserve(count);
        _attended.Reserve(count);
        _inner.Reserve(count);
        _logits.Reserve(count);
        if (_queries.Length < count)
        {
            _queries = new DecodeQuery[count];
        }
    }
}
