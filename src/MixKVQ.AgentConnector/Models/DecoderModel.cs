using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>A dense decoder with frozen weights. Not thread-safe: one step at a time.</summary>
internal sealed class DecoderModel : IDisposable
{
    private readonly Tensor _embedding;
    private readonly DecoderLayer[] _layers;
    private readonly RmsNorm _finalNorm;
    private readonly Projection _output;
    private readonly RotaryEmbedding _rotary;
    private readonly IPointwiseKernels _pointwise;

    /// <summary>Takes the weights from a source; <see cref="Load"/> takes them from a folder.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="source">Asked once for each weight of <see cref="DecoderTensors.Of"/>; borrowed while constructing.</param>
    /// <param name="device">Where weights and steps live; the meta device takes shapes only.</param>
    /// <param name="dtype">float32 or bfloat16.</param>
    /// <param name="rotateValues">Whether to fold a Hadamard rotation into the value and output projections.</param>
    /// <param name="kernel">Computes attention; borrowed.</param>
    public DecoderModel(ModelConfig config, IWeightSource source, Device device, ScalarType dtype, bool rotateValues, IAttentionKernel kernel)
    {
        Config = config;
        Device = device;
        DType = dtype;
        _pointwise = device.type == DeviceType.CPU ? new CpuPointwise() : new TorchPointwise();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var reader = new WeightReader(source, device, dtype);
        Tensor? hadamard = rotateValues ? ValueRotation.Hadamard(config.HeadDim, device) : null;
        RotatesValues = hadamard is not null;
        _embedding = reader.ReadMatrix(DecoderTensors.Embedding, config.VocabularySize, config.HiddenSize);
        _layers = [.. Enumerable.Range(0, config.LayerCount).Select(
            layer => new DecoderLayer(config, DecoderTensors.Layer(layer), reader, hadamard, kernel, _pointwise))];
        _finalNorm = new RmsNorm(reader, DecoderTensors.FinalNorm, config.HiddenSize, config.RmsNormEpsilon);
        _output = config.TieEmbeddings
            ? new Projection(_embedding, null)
            : reader.ReadProjection(config.HiddenSize, false, new ProjectionPart(DecoderTensors.Output, config.VocabularySize));
        _rotary = new RotaryEmbedding(config.Rope, config.HeadDim, config.MaxPositionCount, device);
        CacheGeometry = new CacheGeometry(
            config.LayerCount, config.QueryHeadCount, config.KeyValueHeadCount, config.HeadDim, dtype, device, OutputWeights());
    }

    public ModelConfig Config { get; }

    public Device Device { get; }

    public ScalarType DType { get; }

    /// <summary>What a cache for this model must know.</summary>
    public CacheGeometry CacheGeometry { get; }

    /// <summary>Whether the cache sees rotated values: asked for, and head_dim is a power of two.</summary>
    public bool RotatesValues { get; }

    /// <summary>The threads that share a step's work.</summary>
    public WorkerTeam Team { get; } = new(get_num_threads());

    /// <summary>Loads a Hugging Face model folder.</summary>
    /// <param name="folder">Holds config.json and safetensors.</param>
    /// <param name="device">Where weights and steps live.</param>
    /// <param name="dtype">float32 or bfloat16; null takes the checkpoint's, and float32 for a float16 one.</param>
    /// <param name="rotateValues">Whether the cache shall see Hadamard-rotated values; logits do not change.</param>
    /// <param name="kernel">Computes attention; null takes <see cref="PackedAttention"/>, which leaves what it does not do to <see cref="ReferenceAttention"/>.</param>
    /// <param name="progress">Told the bytes of weights read so far.</param>
    /// <exception cref="InvalidDataException">The folder holds no supported model, or its files are damaged; all faults are listed.</exception>
    /// <exception cref="ArgumentException">The type is neither float32 nor bfloat16.</exception>
    public static DecoderModel Load(
        string folder,
        Device device,
        ScalarType? dtype,
        bool rotateValues = false,
        IAttentionKernel? kernel = null,
        IProgress<long>? progress = null)
    {
        ModelConfig config = ModelConfig.Load(folder);
        ScalarType type = dtype ?? (config.TorchDType == ScalarType.Float16 ? ScalarType.Float32 : config.TorchDType);
        if (type is not (ScalarType.Float32 or ScalarType.BFloat16))
        {
            throw new ArgumentException($"Models run in Float32 or BFloat16, not in {type}.", nameof(dtype));
        }

        TorchLibrary.EnsureLoaded();
        using SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.Open(folder, progress);
        checkpoint.RequireTensors(DecoderTensors.Of(config), name => DecoderTensors.MayIgnore(config, name));
        return new DecoderModel(config, checkpoint, device, type, rotateValues, kernel ?? new PackedAttention());
    }

    /// <summary>Runs the decoder over a step's tokens.</summary>
    /// <returns>Logits, float32, [1, vocabulary] of the last token, or [tokens, vocabulary]; the caller disposes them.</returns>
    /// <exception cref="ArgumentException">There are no tokens, too many for the cache's page, or ids outside the vocabulary.</exception>
    public Tensor Forward(ForwardStep step)
    {
        RequireValid(step);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        int tokens = step.TokenIds.Length;
        Tensor hidden = _embedding.index_select(0, TokenTensor(step.TokenIds.Span));
        Tensor rotation = _rotary.At(step.Cache.TokenCount, tokens);
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            _layers[layer].Apply(hidden, step.Cache.Layer(layer), rotation);
        }

        step.Cache.CompleteStep();
        Tensor last = step.AllLogits || tokens == 1 ? hidden : hidden.narrow(0, tokens - 1, 1);
        Tensor normed = _pointwise.RmsNorm(last, _finalNorm.Weight, _finalNorm.Epsilon);
        return _output.ApplyToFloat32(normed).MoveToOuterDisposeScope();
    }

    /// <summary>Runs one token of each of several conversations in one pass over the weights. What a conversation gets does not depend on the others.</summary>
    /// <param name="inputs">At least one.</param>
    /// <param name="failures">
    /// As many as inputs: set to null where the token is in the cache and its logits are there, else to what went wrong with this conversation alone,
    /// whose cache is then unusable but for <see cref="KvCache.Dispose"/>.
    /// </param>
    public void Decode(ReadOnlySpan<DecodeInput> inputs, Span<Exception?> failures)
    {
        for (int i = 0; i < inputs.Length; i++)
        {
            try
            {
                using Tensor logits = Forward(new ForwardStep(new[] { inputs[i].TokenId }, inputs[i].Cache));
                using Tensor host = logits.cpu();
                host.data<float>().ToArray().AsSpan(0, inputs[i].Logits.Length).CopyTo(inputs[i].Logits.Span);
                failures[i] = null;
            }
            catch (Exception exception) when (exception is ArithmeticException or ArgumentException or InvalidOperationException)
            {
                failures[i] = exception;
            }
        }
    }

    public void Dispose()
    {
        Team.Dispose();
        _embedding.Dispose();
        foreach (DecoderLayer layer in _layers)
        {
            layer.Dispose();
        }

        _finalNorm.Dispose();
        _output.Dispose();
        _rotary.Dispose();
    }

    private void RequireValid(ForwardStep step)
    {
        int tokens = step.TokenIds.Length;
        if (tokens == 0 || tokens > step.Cache.TokensToPageBorder)
        {
            throw new ArgumentException($"A step takes from 1 to {step.Cache.TokensToPageBorder} tokens here (up to the cache's page border), not {tokens}.", nameof(step));
        }

        foreach (int id in step.TokenIds.Span)
        {
            if (id < 0 || id >= Config.VocabularySize)
            {
                throw new ArgumentException($"Token id {id} is outside the vocabulary of {Config.VocabularySize}.", nameof(step));
            }
        }
    }

    private Tensor TokenTensor(ReadOnlySpan<int> ids) => tensor(ids.ToArray(), ScalarType.Int64, Device);

    // Squared norms, with or without rotation the same, of the columns that each KV head's query group feeds.
    private float[]? OutputWeights()
    {
        if (Device.type == DeviceType.META)
        {
            return null;
        }

        using var scope = NewDisposeScope();
        Tensor[] norms = [.. _layers.Select(layer => layer.Attention.OutputWeight.to(ScalarType.Float32)).Select(weight =>
            (weight * weight).sum([0L]).reshape(Config.KeyValueHeadCount, -1).sum([1L]))];
        return cat(norms).cpu().data<float>().ToArray();
    }
}
