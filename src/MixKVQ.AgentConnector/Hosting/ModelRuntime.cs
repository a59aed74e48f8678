using System.Diagnostics;
using Microsoft.Extensions.Logging;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Tokens;
using TorchSharp;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>A model folder, loaded: tokenizer, template, decoder and caches put together.</summary>
internal sealed class ModelRuntime : IChatModel
{
    private readonly DecoderModel _model;

    private ModelRuntime(DecoderModel model, KvCacheFactory caches, ModelSignature signature, ModelTokenizer tokenizer, ChatTemplate template, int contextLength)
    {
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
        DecoderModel model = DecoderModel.Load(
            options.ModelPath, DeviceOf(options.Device), TypeOf(options.DType), options.Cache.ExpectsRotatedValues, options.Weights, options.Cache.ExactAttention);
        try
        {
            var runtime = new ModelRuntime(model, new KvCacheFactory(model.CacheGeometry, options.Cache, model.Team), ModelSignatures.Of(options, config.Rope, model.CacheGeometry), tokenizer, template, contextLength);
            HostingLog.Loaded(loggerFactory.CreateLogger<MixKvqChatClient>(), options, config, model.DType, contextLength, Stopwatch.GetElapsedTime(start));
            return runtime;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Caches.Dispose();
        _model.Dispose();
    }

    private static torch.Device DeviceOf(string device) => device == "cpu" || torch.cuda.is_available()
        ? torch.device(device)
        : throw new InvalidOperationException($"{nameof(MixKvqOptions.Device)} is '{device}', but this libtorch finds no CUDA device; use cpu, or a libtorch for CUDA ({nameof(MixKvqOptions.TorchLibraryPath)}).");

    private static torch.ScalarType? TypeOf(string? type) => type switch
    {
        "float32" => torch.ScalarType.Float32,
        "bfloat16" => torch.ScalarType.BFloat16,
        _ => null,
    };
}
