namespace MixKVQ.AgentConnector;

/// <summary>What a <see cref="MixKvqChatClient"/> runs, and where. Read once, when the client is made.</summary>
public sealed class MixKvqOptions
{
    /// <summary>
    /// The model's folder in the Hugging Face layout: config.json, *.safetensors, tokenizer.json or vocab.json with
    /// merges.txt, and tokenizer_config.json or chat_template.jinja. Required.
    /// </summary>
    public string ModelPath { get; set; } = "";

    /// <summary>Where the model runs: <c>cpu</c>, <c>cuda</c> or <c>cuda:0</c>, <c>cuda:1</c> ….</summary>
    public string Device { get; set; } = "cpu";

    /// <summary>The type of weights and activations: <c>auto</c> or null (the checkpoint's), <c>float32</c> or <c>bfloat16</c>.</summary>
    public string? DType { get; set; }

    /// <summary>How the model's matrices are held: as the checkpoint has them, or rounded to 8 bits. Default <see cref="WeightPrecision.Checkpoint"/>.</summary>
    public WeightPrecision Weights { get; set; }

    /// <summary>The <c>torch/lib</c> folder of an existing PyTorch installation to use as libtorch; null uses the referenced package's.</summary>
    public string? TorchLibraryPath { get; set; }

    /// <summary>How many threads compute; null leaves it to Torch.</summary>
    public int? ThreadCount { get; set; }

    /// <summary>The most tokens of a prompt and its answer together; null for what the model was made for.</summary>
    public int? ContextLength { get; set; }

    /// <summary>
    /// How many conversations are known at most, whether their caches are in memory (<see cref="KvCacheOptions.MemoryBudget"/>) or not: of each the text and the token ids
    /// are kept in memory. Beyond that the least recently used is forgotten. Default 1000.
    /// </summary>
    public int MaxConversations { get; set; } = 1000;

    /// <summary>How long after its last use a conversation is forgotten, in memory and on disk; null (the default) for never.</summary>
    public TimeSpan? SlidingExpiration { get; set; }

    /// <summary>How long after its beginning a conversation is forgotten, in memory and on disk; null (the default) for never.</summary>
    public TimeSpan? AbsoluteExpiration { get; set; }

    /// <summary>
    /// Whether a response carries a <c>ConversationId</c>. Callers that receive one send it back with the new messages
    /// only, from then on. Without it callers send the whole history, and the retained cache is found by comparison.
    /// Default false.
    /// </summary>
    public bool Stateful { get; set; }

    /// <summary>
    /// Whether the model's earlier thoughts stay before it when a new user message comes, so that nothing is read
    /// twice. When false, the chat template decides, and what follows the first removed thought is read again: as far as
    /// there is time while no turn runs, else by the next turn. Within a tool loop thoughts always stay. A request can say
    /// otherwise by <see cref="MixKvqMetadata.KeepThoughts"/>. Default true.
    /// </summary>
    public bool KeepThoughts { get; set; } = true;

    /// <summary>The most tokens of one answer where the request does not say; null for as many as the context holds.</summary>
    public int? MaxOutputTokens { get; set; }

    /// <summary>What happens when a dialogue no longer fits the context. Default <see cref="ContextOverflowPolicy.Error"/>.</summary>
    public ContextOverflowPolicy ContextOverflow { get; set; }

    /// <summary>
    /// Whether a host loads the model in the background when it starts, and runs a first step, so that the first request need not wait.
    /// A load that fails is logged, and reported by the first request. Honoured for clients that were registered as services. Default false.
    /// </summary>
    public bool LoadAtStart { get; set; }

    /// <summary>How the key-value cache is quantized.</summary>
    public KvCacheOptions Cache { get; set; } = new();

    internal MixKvqOptions Clone()
    {
        var clone = (MixKvqOptions)MemberwiseClone();
        clone.Cache = Cache.Clone();
        return clone;
    }
}
