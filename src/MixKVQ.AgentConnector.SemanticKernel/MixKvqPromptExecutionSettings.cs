using System.Collections.ObjectModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using MixKVQ.AgentConnector.SemanticKernel.Mapping;

namespace MixKVQ.AgentConnector.SemanticKernel;

/// <summary>
/// How <see cref="MixKvqChatCompletionService"/> answers. What is not set is the model folder's own default.
/// Not safe for concurrent change; frozen instances are safe to share.
/// </summary>
[JsonNumberHandling(JsonNumberHandling.AllowReadingFromString)]
public sealed class MixKvqPromptExecutionSettings : PromptExecutionSettings
{
    /// <summary>Writes settings of other types, which may hold response formats in forms that are no JSON.</summary>
    private static readonly JsonSerializerOptions LooseJson = new() { Converters = { new ResponseFormatJsonConverter() } };

    private float? _temperature;
    private float? _topP;
    private int? _topK;
    private float? _minP;
    private int? _maxTokens;
    private IList<string>? _stopSequences;
    private long? _seed;
    private float? _repetitionPenalty;
    private float? _presencePenalty;
    private float? _frequencyPenalty;
    private bool? _enableThinking;
    private bool? _keepThoughts;
    private string? _chatSystemPrompt;
    private string? _conversationId;
    private object? _responseFormat;
    private ReasoningEffort? _reasoningEffort;

    /// <summary>How freely tokens are drawn; 0 takes the likeliest one.</summary>
    [JsonPropertyName("temperature")]
    public float? Temperature { get => _temperature; set => Set(ref _temperature, value); }

    /// <summary>Draws from the likeliest tokens that together hold this share of the probability.</summary>
    [JsonPropertyName("top_p")]
    public float? TopP { get => _topP; set => Set(ref _topP, value); }

    /// <summary>Draws from this many of the likeliest tokens.</summary>
    [JsonPropertyName("top_k")]
    public int? TopK { get => _topK; set => Set(ref _topK, value); }

    /// <summary>Drops tokens less likely than this share of the likeliest one's probability.</summary>
    [JsonPropertyName("min_p")]
    public float? MinP { get => _minP; set => Set(ref _minP, value); }

    /// <summary>The most tokens that one response may hold, thoughts included.</summary>
    [JsonPropertyName("max_tokens")]
    public int? MaxTokens { get => _maxTokens; set => Set(ref _maxTokens, value); }

    /// <summary>Texts that end the response where they would appear.</summary>
    [JsonPropertyName("stop_sequences")]
    public IList<string>? StopSequences { get => _stopSequences; set => Set(ref _stopSequences, value); }

    /// <summary>The same seed, prompt and settings give the same text.</summary>
    [JsonPropertyName("seed")]
    public long? Seed { get => _seed; set => Set(ref _seed, value); }

    /// <summary>Divides (multiplies, where negative) the logits of tokens that occurred; 1 leaves them.</summary>
    [JsonPropertyName("repetition_penalty")]
    public float? RepetitionPenalty { get => _repetitionPenalty; set => Set(ref _repetitionPenalty, value); }

    /// <summary>Subtracted once from the logit of every token that occurred.</summary>
    [JsonPropertyName("presence_penalty")]
    public float? PresencePenalty { get => _presencePenalty; set => Set(ref _presencePenalty, value); }

    /// <summary>Subtracted from a token's logit for each time that it occurred.</summary>
    [JsonPropertyName("frequency_penalty")]
    public float? FrequencyPenalty { get => _frequencyPenalty; set => Set(ref _frequencyPenalty, value); }

    /// <summary>Whether the model thinks before it answers, where its template offers the choice.</summary>
    [JsonPropertyName("enable_thinking")]
    public bool? EnableThinking { get => _enableThinking; set => Set(ref _enableThinking, value); }

    /// <summary>Whether earlier thoughts stay in the prompt when a new user message comes; see <see cref="MixKvqOptions.KeepThoughts"/>.</summary>
    [JsonPropertyName("keep_thoughts")]
    public bool? KeepThoughts { get => _keepThoughts; set => Set(ref _keepThoughts, value); }

    /// <summary>Instructions placed before the system message.</summary>
    [JsonPropertyName("chat_system_prompt")]
    public string? ChatSystemPrompt { get => _chatSystemPrompt; set => Set(ref _chatSystemPrompt, value); }

    /// <summary>
    /// The retained conversation that the chat history continues; the history then holds the new messages only.
    /// Without it the history is the whole dialogue, and what the model has seen of it is found again.
    /// </summary>
    [JsonPropertyName("conversation_id")]
    public string? ConversationId { get => _conversationId; set => Set(ref _conversationId, value); }

    /// <summary>
    /// What the answer must be: <c>"text"</c>, <c>"json_object"</c>, a JSON schema (<see cref="JsonElement"/>), a
    /// <see cref="Type"/> for its schema, or a <see cref="ChatResponseFormat"/>. Kept, and read back, as one of the first
    /// three. Thoughts stay free.
    /// </summary>
    /// <exception cref="ArgumentException">The value is none of these.</exception>
    [JsonPropertyName("response_format")]
    public object? ResponseFormat { get => _responseFormat; set => Set(ref _responseFormat, ResponseFormatMapping.Normalize(value)); }

    /// <summary>
    /// How much the model thinks before it answers; none turns thinking off where the template can. In JSON
    /// <c>none</c>, <c>low</c>, <c>medium</c>, <c>high</c> or <c>xhigh</c>.
    /// </summary>
    [JsonPropertyName("reasoning_effort")]
    [JsonConverter(typeof(ReasoningEffortJsonConverter))]
    public ReasoningEffort? ReasoningEffort { get => _reasoningEffort; set => Set(ref _reasoningEffort, value); }

    /// <summary>
    /// <paramref name="settings"/> as settings of this type: itself where it is one, else a new instance that takes
    /// the properties and the extension data by their JSON names. Names that are not known here stay extension data.
    /// </summary>
    /// <exception cref="ArgumentException">A value has the wrong type; it is named.</exception>
    public static MixKvqPromptExecutionSettings FromExecutionSettings(PromptExecutionSettings? settings)
    {
        switch (settings)
        {
            case null:
                return new();
            case MixKvqPromptExecutionSettings own:
                return own;
        }

        try
        {
            JsonElement json = JsonSerializer.SerializeToElement(settings, settings.GetType(), LooseJson);
            MixKvqPromptExecutionSettings converted = json.Deserialize<MixKvqPromptExecutionSettings>()!;

            // JSON keeps the names of functions only.
            converted.FunctionChoiceBehavior = settings.FunctionChoiceBehavior;
            return converted;
        }
        catch (JsonException fault)
        {
            throw new ArgumentException($"The execution setting at {fault.Path} has a value of the wrong type: {fault.Message}", nameof(settings), fault);
        }
    }

    /// <inheritdoc/>
    public override void Freeze()
    {
        if (IsFrozen)
        {
            return;
        }

        if (_stopSequences is not null)
        {
            _stopSequences = new ReadOnlyCollection<string>([.. _stopSequences]);
        }

        base.Freeze();
    }

    /// <inheritdoc/>
    public override PromptExecutionSettings Clone() => new MixKvqPromptExecutionSettings
    {
        ModelId = ModelId,
        ServiceId = ServiceId,
        FunctionChoiceBehavior = FunctionChoiceBehavior,
        ExtensionData = ExtensionData is null ? null : new Dictionary<string, object>(ExtensionData),
        Temperature = Temperature,
        TopP = TopP,
        TopK = TopK,
        MinP = MinP,
        MaxTokens = MaxTokens,
        StopSequences = StopSequences is null ? null : [.. StopSequences],
        Seed = Seed,
        RepetitionPenalty = RepetitionPenalty,
        PresencePenalty = PresencePenalty,
        FrequencyPenalty = FrequencyPenalty,
        EnableThinking = EnableThinking,
        KeepThoughts = KeepThoughts,
        ChatSystemPrompt = ChatSystemPrompt,
        ConversationId = ConversationId,
        ResponseFormat = ResponseFormat,
        ReasoningEffort = ReasoningEffort,
    };

    /// <summary>
    /// Restores, on Semantic Kernel's way to an <see cref="IChatClient"/>, what its conversion through JSON loses:
    /// the types of the numbers, the conversation and the effort none.
    /// </summary>
    protected override void PrepareChatOptionsForRequest(ChatOptions options) => ChatOptionsMapping.Apply(this, options);

    private void Set<T>(ref T field, T value)
    {
        ThrowIfFrozen();
        field = value;
    }
}
