using System.Text.Json;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.SemanticKernel.Mapping;

/// <summary>Execution settings to chat options.</summary>
internal static class ChatOptionsMapping
{
    /// <summary>Names that Semantic Kernel's own conversion leaves among the loose properties though they are set here.</summary>
    private static readonly string[] TypedNames = [MixKvqMetadata.MinP, MixKvqMetadata.RepetitionPenalty, MixKvqMetadata.EnableThinking, MixKvqMetadata.KeepThoughts, "conversation_id", "service_id"];

    /// <summary>New options that hold all of <paramref name="settings"/> but the functions.</summary>
    public static ChatOptions ToChatOptions(MixKvqPromptExecutionSettings settings)
    {
        var options = new ChatOptions { ModelId = settings.ModelId, Instructions = settings.ChatSystemPrompt };
        foreach ((string name, object? value) in settings.ExtensionData ?? new Dictionary<string, object>())
        {
            // Names that the client does not know are its to refuse.
            (options.AdditionalProperties ??= [])[name] = ReadLoose(value);
        }

        Apply(settings, options);
        return options;
    }

    /// <summary>Writes the typed settings that are set into <paramref name="options"/>.</summary>
    public static void Apply(MixKvqPromptExecutionSettings settings, ChatOptions options)
    {
        foreach (string name in TypedNames)
        {
            options.AdditionalProperties?.Remove(name);
        }

        options.Temperature = settings.Temperature ?? options.Temperature;
        options.TopP = settings.TopP ?? options.TopP;
        options.TopK = settings.TopK ?? options.TopK;
        options.MaxOutputTokens = settings.MaxTokens ?? options.MaxOutputTokens;
        options.StopSequences = settings.StopSequences is { Count: > 0 } stops ? [.. stops] : options.StopSequences;
        options.Seed = settings.Seed ?? options.Seed;
        options.PresencePenalty = settings.PresencePenalty ?? options.PresencePenalty;
        options.FrequencyPenalty = settings.FrequencyPenalty ?? options.FrequencyPenalty;
        options.ConversationId = settings.ConversationId ?? options.ConversationId;
        options.ResponseFormat = ResponseFormatMapping.ToChatResponseFormat(settings.ResponseFormat) ?? options.ResponseFormat;
        if (settings.ReasoningEffort is { } effort)
        {
            (options.Reasoning ??= new ReasoningOptions()).Effort = effort;
        }

        Add(MixKvqMetadata.MinP, settings.MinP);
        Add(MixKvqMetadata.RepetitionPenalty, settings.RepetitionPenalty);
        Add(MixKvqMetadata.EnableThinking, settings.EnableThinking);
        Add(MixKvqMetadata.KeepThoughts, settings.KeepThoughts);

        void Add<T>(string name, T? value)
            where T : struct
        {
            if (value is { } given)
            {
                (options.AdditionalProperties ??= [])[name] = given;
            }
        }
    }

    private static object? ReadLoose(object? value) => value is not JsonElement json ? value : json.ValueKind switch
    {
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => json.TryGetInt64(out long whole) ? (object)whole : json.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Null => null,
        _ => json,
    };
}
