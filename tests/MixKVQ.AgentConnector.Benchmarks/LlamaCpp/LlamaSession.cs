using MixKVQ.AgentConnector.Benchmarks.Measuring;

namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>A model in llama.cpp with one conversation, on threads that are kept between steps, as llama.cpp's own programs keep them.</summary>
internal sealed unsafe class LlamaSession : ITokenDecoder
{
    private const int BatchTokens = 512;

    private readonly LlamaLibrary _library;
    private readonly int _vocabularySize;
    private readonly nint _model;
    private readonly nint _context;
    private readonly nint _threads;
    private int _position;

    /// <param name="library">llama.cpp.</param>
    /// <param name="file">The model, GGUF.</param>
    /// <param name="vocabularySize">The model's ids.</param>
    /// <param name="contextTokens">Tokens to have room for.</param>
    /// <param name="cache">How keys and values are held.</param>
    /// <param name="flashAttention">Whether attention is one fused operation; quantized values need it.</param>
    /// <param name="threads">Threads of a step.</param>
    public LlamaSession(LlamaLibrary library, string file, int vocabularySize, int contextTokens, GgmlType cache, bool flashAttention, int threads)
    {
        _library = library;
        _vocabularySize = vocabularySize;
        nint model = 0;
        LlamaLibrary.WithText(file, text => model = library.LoadModel(text, library.ModelDefaults()));
        _model = Require(model, $"load {file}");
        LlamaContextParameters parameters = library.ContextDefaults();
        parameters.ContextTokens = (uint)contextTokens;
        parameters.Threads = parameters.BatchThreads = threads;
        parameters.FlashAttention = flashAttention ? 1 : 0;
        parameters.KeyType = parameters.ValueType = cache;
        _context = Require(library.CreateContext(_model, parameters), "make a context");
        var pool = new GgmlThreadPoolParameters { Threads = threads, Polling = 50 };
        _threads = Require(library.CreateThreadPool(&pool), "start threads");
        library.AttachThreadPool(_context, _threads, 0);
    }

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<int> tokens)
    {
        for (int start = 0; start < tokens.Length; start += BatchTokens)
        {
            Append(tokens[start..Math.Min(tokens.Length, start + BatchTokens)]);
        }

        _position = tokens.Length;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Decode(int token)
    {
        Append([token]);
        return new ReadOnlySpan<float>(_library.LogitsOf(_context, -1), _vocabularySize);
    }

    /// <inheritdoc/>
    public void Rewind() => _library.RemoveFromMemory(_library.MemoryOf(_context), 0, _position, -1);

    public void Dispose()
    {
        _library.FreeContext(_context);
        _library.FreeThreadPool(_threads);
        _library.FreeModel(_model);
    }

    private void Append(ReadOnlySpan<int> tokens)
    {
        fixed (int* first = tokens)
        {
            int result = _library.Decode(_context, _library.BatchOf(first, tokens.Length));
            if (result != 0)
            {
                throw new InvalidOperationException($"llama_decode gave {result} for {tokens.Length} tokens.");
            }
        }
    }

    private static nint Require(nint made, string what) =>
        made != 0 ? made : throw new InvalidOperationException($"llama.cpp could not {what}.");
}
