using System.Diagnostics;
using Microsoft.Extensions.Logging;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Tokens;
using TorchSharp;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>A model folder, loaded: tokenizer, template, decoder and caches put together.</summary>
internal sealed class ModelRuntime : IChatModel
{
    private readonly CudaDevice? _device;
    private readonly DecoderModel _model;

    private ModelRuntime(
        CudaDevice? device, DecoderModel model, KvCacheFactory caches, ModelSignature signature, ModelTokenizer tokenizer, ChatTemplate template, int contextLength)
    {
        _device = device;
        _model = model;
        Caches = caches;
        Sequences = new ModelSequences(model, caches, tokenizer.VocabularySize, signature);
        Tokenizer = tokenizer;
        Template = template;
        ContextLength = contextLength;
        EndTokens = [.. model.Config.EndTokenIds.Append(tokenizer.EosTokenId ?? -1).Where(id => id >= 0).Distinct()];
    }

    /// <summary>Makes the caches of all conversations.</summary>
    public KvCacheFactory Caches { get; }

    /// <inheritdoc/>
    public ISequenceFactory Sequences { get; }

    /// <inheritdoc/>
    public ModelTokenizer Tokenizer { get; }

    /// <inheritdoc/>
    public ChatTemplate Template { get; }

    /// <inheritdoc/>
    public int ContextLength { get; }

    /// <inheritdoc/>
    public IReadOnlyCollection<int> EndTokens { get; }

    /// <inheritdoc/>
    public GenerationDefaults GenerationDefaults => _model.Config.GenerationDefaults;

    /// <summary>Loads what <paramref name="options"/>, which are checked, name. Takes seconds.</summary>
    /// <exception cref="InvalidDataException">A file of the folder is missing, broken or describes a model that is not supported.</exception>
    /// <exception cref="ArgumentException">Options do not fit the model.</exception>
    /// <exception cref="DllNotFoundException">libtorch cannot be loaded.</exception>
    /// <exception cref="CudaException">The device cannot be used.</exception>
    public static ModelRuntime Load(MixKvqOptions options, ILoggerFactory loggerFactory)
    {
        long start = Stopwatch.GetTimestamp();
        TorchLibrary.EnsureLoaded(options.TorchLibraryPath);
        TorchThreads.Apply(options.ThreadCount);
        ModelConfig config = ModelConfig.Load(options.ModelPath);
        int contextLength = options.ContextLength ?? config.MaxPositionCount;
        if (contextLength > config.MaxPositionCount)
        {
            throw new ArgumentException(
                $"{nameof(MixKvqOptions.ContextLength)} is {contextLength}, but the model of '{options.ModelPath}' was made for {config.MaxPositionCount} tokens at most.", nameof(options));
        }

        ModelTokenizer tokenizer = ModelTokenizer.Load(options.ModelPath);
        if (tokenizer.VocabularySize > config.VocabularySize)
        {
            throw new InvalidDataException(
                $"The tokenizer of '{options.ModelPath}' has ids up to {tokenizer.VocabularySize - 1}, but vocab_size in config.json is {config.VocabularySize}; the files are not of one model.");
        }

        ChatTemplate template = ChatTemplate.Load(options.ModelPath);
        torch.Device place = torch.device(options.Device);
        CudaDevice? device = place.type == DeviceType.CUDA ? CudaDevice.Open(Math.Max(place.index, 0)) : null;
        DecoderModel? model = null;
        try
        {
            model = DecoderModel.Load(
                options.ModelPath, place, TypeOf(options.DType), options.Cache.ExpectsRotatedValues, options.Weights, options.Cache.ExactAttention, kernels: device);
            var caches = new KvCacheFactory(model.CacheGeometry, options.Cache, model.Team, device);
            var runtime = new ModelRuntime(device, model, caches, ModelSignatures.Of(options, config.Rope, model.CacheGeometry), tokenizer, template, contextLength);
            string where = device is null ? options.Device : $"{options.Device} ({device.Name})";
            HostingLog.Loaded(loggerFactory.CreateLogger<MixKvqChatClient>(), options, config, model.DType, where, contextLength, Stopwatch.GetElapsedTime(start));
            return runtime;
        }
        catch
        {
            model?.Dispose();
            device?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Caches.Dispose();
        _model.Dispose();
        _device?.Dispose();
    }

    private static torch.ScalarType? TypeOf(string? type) => type switch
    {
        "float32" => torch.ScalarType.Float32,
        "bfloat16" => torch.ScalarType.BFloat16,
        _ => null,
    };
}
