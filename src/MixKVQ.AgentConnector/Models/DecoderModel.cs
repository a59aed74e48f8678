using System.Runtime.ExceptionServices;
using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Attention.Cuda;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models.Cpu;
using MixKVQ.AgentConnector.Models.Cuda;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>A dense decoder with frozen weights. Not thread-safe: one step at a time.</summary>
internal sealed class DecoderModel : IDisposable
{
    private readonly IModelMatrix _embedding;
    private readonly DecoderLayer[] _layers;
    private readonly RmsNorm _finalNorm;
    private readonly Projection _output;
    private readonly RotaryEmbedding _rotary;
    private readonly IPointwiseKernels _pointwise;
    private readonly CpuDecoder? _cpuDecoder;
    private readonly CudaDecoder? _cudaDecoder;
    private readonly CudaAttention? _deviceAttention;

    /// <summary>Takes the weights from a source; <see cref="Load"/> takes them from a folder.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="source">Asked once for each weight of <see cref="DecoderTensors.Of"/>; borrowed while constructing.</param>
    /// <param name="device">Where weights and steps live; the meta device takes shapes only.</param>
    /// <param name="dtype">float32 or bfloat16.</param>
    /// <param name="rotateValues">Whether to fold a Hadamard rotation into the value and output projections.</param>
    /// <param name="precision">How matrices are held; <see cref="WeightPrecision.EightBit"/> on the CPU only.</param>
    /// <param name="exactAttention">Whether decoding on the CPU keeps queries and attention weights as floats, see <see cref="PackedAttention"/>.</param>
    /// <param name="kernels">Runs the model's kernels on <paramref name="device"/>; null for the CPU's own code. Borrowed.</param>
    /// <exception cref="ArgumentException">The precision needs the CPU.</exception>
    public DecoderModel(
        ModelConfig config,
        IWeightSource source,
        Device device,
        ScalarType dtype,
        bool rotateValues,
        WeightPrecision precision = WeightPrecision.Checkpoint,
        bool exactAttention = false,
        IKernelDevice? kernels = null)
    {
        bool isOnCpu = device.type == DeviceType.CPU && kernels is null;
        if (precision == WeightPrecision.EightBit && !isOnCpu)
        {
            throw new ArgumentException($"{nameof(WeightPrecision)}.{nameof(WeightPrecision.EightBit)} runs on the CPU, not on {device}; use {nameof(WeightPrecision.Checkpoint)} there.", nameof(precision));
        }

        Config = config;
        Device = device;
        DType = dtype;
        Kernels = kernels;
        _pointwise = kernels is not null ? new CudaPointwise(kernels, config, dtype) : isOnCpu ? new CpuPointwise() : new TorchPointwise();
        var packed = new PackedAttention(Team, exactAttention);
        _deviceAttention = kernels is null ? null : new CudaAttention(kernels);
        IAttentionKernel kernel = _deviceAttention is not null ? _deviceAttention : isOnCpu ? packed : new ReferenceAttention();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var reader = new WeightReader(source, device, dtype, precision, Team);
        Tensor? hadamard = rotateValues ? ValueRotation.Hadamard(config.HeadDim, device) : null;
        RotatesValues = hadamard is not null;
        _embedding = reader.ReadTable(DecoderTensors.Embedding, config.VocabularySize, config.HiddenSize, isMultiplied: config.TieEmbeddings);
        _layers = [.. Enumerable.Range(0, config.LayerCount).Select(
            layer => new DecoderLayer(config, DecoderTensors.Layer(layer), reader, hadamard, kernel, _pointwise))];
        _finalNorm = new RmsNorm(reader, DecoderTensors.FinalNorm, config.HiddenSize, config.RmsNormEpsilon);
        _output = config.TieEmbeddings
            ? new Projection(_embedding, null)
            : reader.ReadProjection(config.HiddenSize, false, new ProjectionPart(DecoderTensors.Output, config.VocabularySize));
        _rotary = new RotaryEmbedding(config.Rope, config.HeadDim, config.MaxPositionCount, device);
        CacheGeometry = new CacheGeometry(
            config.LayerCount, config.QueryHeadCount, config.KeyValueHeadCount, config.HeadDim, dtype, device, OutputWeights());
        var parts = new DecoderParts(_embedding, _layers, _finalNorm, _output, _rotary);
        _cpuDecoder = isOnCpu ? new CpuDecoder(config, parts, packed, Team) : null;
        _cudaDecoder = kernels is null ? null : new CudaDecoder(config, parts, dtype, device, kernels, Team);
    }

    public ModelConfig Config { get; }

    public Device Device { get; }

    public ScalarType DType { get; }

    /// <summary>What a cache for this model must know.</summary>
    public CacheGeometry CacheGeometry { get; }

    /// <summary>Whether the cache sees rotated values: asked for, and head_dim is a power of two.</summary>
    public bool RotatesValues { get; }

    /// <summary>What runs the model's kernels, and those of its caches; null on the CPU.</summary>
    public IKernelDevice? Kernels { get; }

    /// <summary>The threads that share a step's work.</summary>
    public WorkerTeam Team { get; } = new(get_num_threads());

    /// <summary>Loads a Hugging Face model folder.</summary>
    /// <param name="folder">Holds config.json and safetensors.</param>
    /// <param name="device">Where weights and steps live.</param>
    /// <param name="dtype">float32 or bfloat16; null takes the checkpoint's, and float32 for a float16 one.</param>
    /// <param name="rotateValues">Whether the cache shall see Hadamard-rotated values; logits do not change.</param>
    /// <param name="precision">How matrices are held; <see cref="WeightPrecision.EightBit"/> on the CPU only.</param>
    /// <param name="exactAttention">Whether decoding on the CPU keeps queries and attention weights as floats, see <see cref="PackedAttention"/>.</param>
    /// <param name="progress">Told the bytes of weights read so far.</param>
    /// <param name="kernels">Runs the model's kernels on <paramref name="device"/>; null for the CPU's own code. Borrowed.</param>
    /// <exception cref="InvalidDataException">The folder holds no supported model, or its files are damaged; all faults are listed.</exception>
    /// <exception cref="ArgumentException">The type is neither float32 nor bfloat16, or the precision needs the CPU.</exception>
    public static DecoderModel Load(
        string folder,
        Device device,
        ScalarType? dtype,
        bool rotateValues = false,
        WeightPrecision precision = WeightPrecision.Checkpoint,
        bool exactAttention = false,
        IProgress<long>? progress = null,
        IKernelDevice? kernels = null)
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
        return new DecoderModel(config, checkpoint, device, type, rotateValues, precision, exactAttention, kernels);
    }

    /// <summary>Runs the decoder over a step's tokens.</summary>
    /// <returns>Logits, float32, [1, vocabulary] of the last token, or [tokens, vocabulary]; the caller disposes them.</returns>
    /// <exception cref="ArgumentException">There are no tokens, too many for the cache's page, or ids outside the vocabulary.</exception>
    public Tensor Forward(ForwardStep step)
    {
        RequireValid(step);
        return step.TokenIds.Length == 1 && Decoder is { } decoder ? DecodeOne(decoder, step) : ForwardAll(step);
    }

    /// <summary>
    /// Runs one token of each of several conversations in one pass over the weights. What a conversation gets does not depend on the others, but for roundings
    /// on a GPU, where products are rounded differently from one size of batch to another.
    /// </summary>
    /// <param name="inputs">At least one.</param>
    /// <param name="failures">
    /// As many as inputs: set to null where the token is in the cache and its logits are there, else to what went wrong with this conversation alone,
    /// whose cache is then unusable but for <see cref="KvCache.Dispose"/>.
    /// </param>
    /// <exception cref="ArgumentException">A token id is outside the vocabulary; nothing was done.</exception>
    public void Decode(ReadOnlySpan<DecodeInput> inputs, Span<Exception?> failures)
    {
        foreach (DecodeInput input in inputs)
        {
            RequireId(input.TokenId, nameof(inputs));
        }

        if (Decoder is { } decoder)
        {
            decoder.Run(inputs, failures);
            return;
        }

        for (int i = 0; i < inputs.Length; i++)
        {
            failures[i] = ForwardOne(inputs[i]);
        }
    }

    public void Dispose()
    {
        Team.Dispose();
        _cudaDecoder?.Dispose();
        _deviceAttention?.Dispose();
        _embedding.Dispose();
        foreach (DecoderLayer layer in _layers)
        {
            layer.Dispose();
        }

        _finalNorm.Dispose();
        _output.Dispose();
        _rotary.Dispose();
    }

    private IDecoder? Decoder => _cpuDecoder is not null ? _cpuDecoder : _cudaDecoder;

    private void RequireValid(ForwardStep step)
    {
        int tokens = step.TokenIds.Length;
        if (tokens == 0 || tokens > step.Cache.TokensToPageBorder)
        {
            throw new ArgumentException($"A step takes from 1 to {step.Cache.TokensToPageBorder} tokens here (up to the cache's page border), not {tokens}.", nameof(step));
        }

        foreach (int id in step.TokenIds.Span)
        {
            RequireId(id, nameof(step));
        }
    }

    private void RequireId(int id, string parameter)
    {
        if (id < 0 || id >= Config.VocabularySize)
        {
            throw new ArgumentException($"Token id {id} is outside the vocabulary of {Config.VocabularySize}.", parameter);
        }
    }

    private Tensor ForwardAll(ForwardStep step)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        int tokens = step.TokenIds.Length;
        Tensor hidden = _embedding.Rows(TokenTensor(step.TokenIds.Span));
        Tensor rotation = _rotary.At(step.Cache.TokenCount, tokens);
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            _layers[layer].Apply(hidden, step.Cache.Layer(layer), rotation);
        }

        step.Cache.CompleteStep();
        if (_cpuDecoder is not null && !step.AllLogits)
        {
            float[] last = CpuRows.ToArray(hidden.narrow(0, tokens - 1, 1));
            float[] logits = new float[Config.VocabularySize];
            _cpuDecoder.Logits(last, logits);
            return tensor(logits, [1, logits.Length]).MoveToOuterDisposeScope();
        }

        Tensor rows = step.AllLogits || tokens == 1 ? hidden : hidden.narrow(0, tokens - 1, 1);
        Tensor normed = _pointwise.RmsNorm(rows, _finalNorm.Weight, _finalNorm.Epsilon);
        return _output.Apply(normed).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private Tensor DecodeOne(IDecoder decoder, ForwardStep step)
    {
        float[] logits = new float[Config.VocabularySize];
        Exception? failure = null;
        decoder.Run([new DecodeInput(step.TokenIds.Span[0], step.Cache, logits)], new Span<Exception?>(ref failure));
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return tensor(logits, [1, logits.Length]);
    }

    private Exception? ForwardOne(DecodeInput input)
    {
        try
        {
            using var scope = NewDisposeScope();
            Tensor logits = ForwardAll(new ForwardStep(new[] { input.TokenId }, input.Cache)).cpu();
            int wanted = Math.Min(input.Logits.Length, Config.VocabularySize);
            new CpuRows(logits).Read(0, input.Logits.Span[..wanted]);
            GC.KeepAlive(logits);
            return null;
        }
        catch (Exception exception)
        {
            // Whatever went wrong is this conversation's alone.
            return exception;
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
        Tensor[] norms = [.. _layers.Select(layer => layer.Attention.Output.Matrix.ColumnEnergies()).Select(columns =>
            columns.reshape(Config.KeyValueHeadCount, -1).sum([1L]))];
        return cat(norms).cpu().data<float>().ToArray();
    }
}
