using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>
/// llama.cpp's C interface, as <c>libllama.so</c> of the node-llama-cpp version in tests/llama.cpp/compare.sh has it: its structures change between versions.
/// Called without a script between, so that its steps are timed alone.
/// </summary>
internal sealed unsafe class LlamaLibrary
{
    /// <summary><c>llama_model_default_params</c>.</summary>
    public readonly delegate* unmanaged<LlamaModelParameters> ModelDefaults;

    /// <summary><c>llama_model_load_from_file</c>.</summary>
    public readonly delegate* unmanaged<nint, LlamaModelParameters, nint> LoadModel;

    /// <summary><c>llama_model_free</c>.</summary>
    public readonly delegate* unmanaged<nint, void> FreeModel;

    /// <summary><c>llama_context_default_params</c>.</summary>
    public readonly delegate* unmanaged<LlamaContextParameters> ContextDefaults;

    /// <summary><c>llama_init_from_model</c>.</summary>
    public readonly delegate* unmanaged<nint, LlamaContextParameters, nint> CreateContext;

    /// <summary><c>llama_free</c>.</summary>
    public readonly delegate* unmanaged<nint, void> FreeContext;

    /// <summary><c>llama_attach_threadpool</c>.</summary>
    public readonly delegate* unmanaged<nint, nint, nint, void> AttachThreadPool;

    /// <summary><c>ggml_threadpool_new</c>.</summary>
    public readonly delegate* unmanaged<GgmlThreadPoolParameters*, nint> CreateThreadPool;

    /// <summary><c>ggml_threadpool_free</c>.</summary>
    public readonly delegate* unmanaged<nint, void> FreeThreadPool;

    /// <summary><c>llama_batch_get_one</c>.</summary>
    public readonly delegate* unmanaged<int*, int, LlamaBatch> BatchOf;

    /// <summary><c>llama_decode</c>.</summary>
    public readonly delegate* unmanaged<nint, LlamaBatch, int> Decode;

    /// <summary><c>llama_get_logits_ith</c>.</summary>
    public readonly delegate* unmanaged<nint, int, float*> LogitsOf;

    /// <summary><c>llama_get_memory</c>.</summary>
    public readonly delegate* unmanaged<nint, nint> MemoryOf;

    /// <summary><c>llama_memory_seq_rm</c>.</summary>
    public readonly delegate* unmanaged<nint, int, int, int, byte> RemoveFromMemory;

    private readonly delegate* unmanaged<LlamaQuantizeParameters> _quantizeDefaults;
    private readonly delegate* unmanaged<nint, nint, LlamaQuantizeParameters*, uint> _quantize;

    /// <summary>Loads it from the folder of its libraries, with the processor's best kernels.</summary>
    /// <exception cref="InvalidOperationException">The libraries are missing, or of a version whose structures differ.</exception>
    public LlamaLibrary(string folder)
    {
        nint llama = NativeLibrary.Load(Find(folder, "libllama.*so"));
        nint backends = NativeLibrary.Load(Find(folder, "libggml.*so"));
        nint ggml = NativeLibrary.Load(Find(folder, "libggml-base*.so"));
        ((delegate* unmanaged<delegate* unmanaged<int, byte*, nint, void>, nint, void>)Of(llama, "llama_log_set"))(&Silence, 0);
        WithText(folder, text => ((delegate* unmanaged<nint, void>)Of(backends, "ggml_backend_load_all_from_path"))(text));
        ModelDefaults = (delegate* unmanaged<LlamaModelParameters>)Of(llama, "llama_model_default_params");
        LoadModel = (delegate* unmanaged<nint, LlamaModelParameters, nint>)Of(llama, "llama_model_load_from_file");
        FreeModel = (delegate* unmanaged<nint, void>)Of(llama, "llama_model_free");
        ContextDefaults = (delegate* unmanaged<LlamaContextParameters>)Of(llama, "llama_context_default_params");
        CreateContext = (delegate* unmanaged<nint, LlamaContextParameters, nint>)Of(llama, "llama_init_from_model");
        FreeContext = (delegate* unmanaged<nint, void>)Of(llama, "llama_free");
        AttachThreadPool = (delegate* unmanaged<nint, nint, nint, void>)Of(llama, "llama_attach_threadpool");
        BatchOf = (delegate* unmanaged<int*, int, LlamaBatch>)Of(llama, "llama_batch_get_one");
        Decode = (delegate* unmanaged<nint, LlamaBatch, int>)Of(llama, "llama_decode");
        LogitsOf = (delegate* unmanaged<nint, int, float*>)Of(llama, "llama_get_logits_ith");
        MemoryOf = (delegate* unmanaged<nint, nint>)Of(llama, "llama_get_memory");
        RemoveFromMemory = (delegate* unmanaged<nint, int, int, int, byte>)Of(llama, "llama_memory_seq_rm");
        _quantizeDefaults = (delegate* unmanaged<LlamaQuantizeParameters>)Of(llama, "llama_model_quantize_default_params");
        _quantize = (delegate* unmanaged<nint, nint, LlamaQuantizeParameters*, uint>)Of(llama, "llama_model_quantize");

        // Where kernels are loaded at run time, their pool of threads is found through them.
        nint processor = ((delegate* unmanaged<int, nint>)Of(backends, "ggml_backend_dev_by_type"))(0);
        nint registry = ((delegate* unmanaged<nint, nint>)Of(ggml, "ggml_backend_dev_backend_reg"))(processor);
        CreateThreadPool = (delegate* unmanaged<GgmlThreadPoolParameters*, nint>)OfKernels("ggml_threadpool_new");
        FreeThreadPool = (delegate* unmanaged<nint, void>)OfKernels("ggml_threadpool_free");
        LlamaContextParameters defaults = ContextDefaults();
        if (defaults is not { ContextTokens: 512, KeyType: GgmlType.F16, ValueType: GgmlType.F16 })
        {
            throw new InvalidOperationException($"The libraries in {folder} are of a version of llama.cpp whose parameters are laid out otherwise; use the one in tests/llama.cpp/compare.sh.");
        }

        nint OfKernels(string name)
        {
            nint found = 0;
            WithText(name, text => found = ((delegate* unmanaged<nint, nint, nint>)Of(ggml, "ggml_backend_reg_get_proc_address"))(registry, text));
            return found;
        }
    }

    /// <summary>Writes a model's file with other weights.</summary>
    /// <param name="source">The file to read.</param>
    /// <param name="target">The file to write.</param>
    /// <param name="fileType">The kind of file: 1 for float16, 7 for q8_0.</param>
    public void Quantize(string source, string target, int fileType)
    {
        LlamaQuantizeParameters parameters = _quantizeDefaults();
        parameters.FileType = fileType;
        nint from = Marshal.StringToCoTaskMemUTF8(source);
        nint to = Marshal.StringToCoTaskMemUTF8(target);
        uint result = _quantize(from, to, &parameters);
        Marshal.FreeCoTaskMem(from);
        Marshal.FreeCoTaskMem(to);
        if (result != 0)
        {
            throw new InvalidOperationException($"llama.cpp could not write {target} from {source}.");
        }
    }

    /// <summary>Gives a text as C has it while <paramref name="use"/> runs.</summary>
    public static void WithText(string text, Action<nint> use)
    {
        nint copy = Marshal.StringToCoTaskMemUTF8(text);
        use(copy);
        Marshal.FreeCoTaskMem(copy);
    }

    [UnmanagedCallersOnly]
    private static void Silence(int level, byte* text, nint user)
    {
    }

    private static void* Of(nint library, string name) => (void*)NativeLibrary.GetExport(library, name);

    private static string Find(string folder, string pattern) =>
        Directory.Exists(folder) && Directory.GetFiles(folder, pattern) is [string file]
            ? file
            : throw new InvalidOperationException($"The folder {folder} has no {pattern}; give the folder of node-llama-cpp's libraries, as tests/llama.cpp/compare.sh does.");
}
