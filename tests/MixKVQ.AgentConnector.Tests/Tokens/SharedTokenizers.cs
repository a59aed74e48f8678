using System.Collections.Concurrent;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

/// <summary>Tokenizers that several test classes read, loaded once.</summary>
internal static class SharedTokenizers
{
    private static readonly Lazy<ModelTokenizer> LoadedQwen = new(() => ModelTokenizer.Load(Fixtures.Shared("tokenizers", "qwen2.5")));
    private static readonly ConcurrentDictionary<string, ModelTokenizer> Loaded = new(StringComparer.Ordinal);
    private static readonly Lazy<ModelTokenizer> LoadedSmall = new(() => new SmallTokenizerFiles().Load());

    /// <summary>Qwen2.5's vocabulary and merges; skips the calling test where they are absent.</summary>
    public static ModelTokenizer Qwen
    {
        get
        {
            Fixtures.Shared("tokenizers", "qwen2.5");
            return LoadedQwen.Value;
        }
    }

    /// <summary>A tokenizer of the shared fixtures; skips the calling test where it is absent.</summary>
    public static ModelTokenizer Shared(string name)
    {
        string folder = Fixtures.Shared("tokenizers", name);
        return Loaded.GetOrAdd(name, _ => ModelTokenizer.Load(folder));
    }

    /// <summary>A few merges over the byte alphabet, in the manner of Llama 3.</summary>
    public static ModelTokenizer Small => LoadedSmall.Value;
}
