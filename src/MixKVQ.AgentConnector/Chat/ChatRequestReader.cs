using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Reads <see cref="ChatOptions"/>: each is honoured, or refused by name with all others that are.</summary>
/// <param name="modelName">The name that <see cref="ChatOptions.ModelId"/> may have.</param>
/// <param name="defaults">The model's own sampling settings.</param>
/// <param name="defaultMaxOutputTokens">The output limit where a request has none.</param>
/// <param name="keepThoughts">Whether earlier thoughts stay where a request does not say.</param>
/// <param name="canDisableThinking">Whether the chat template has a switch for thoughts.</param>
/// <param name="vocabularySize">The tokenizer's.</param>
internal sealed class ChatRequestReader(string modelName, GenerationDefaults defaults, int? defaultMaxOutputTokens, bool keepThoughts, bool canDisableThinking, int vocabularySize)
{
    /// <summary>The request that <paramref name="options"/> make of <paramref name="client"/>.</summary>
    /// <exception cref="NotSupportedException">Options ask for what this client does not do; all are named.</exception>
    /// <exception cref="ArgumentException">Options have values out of range; all are named.</exception>
    public ChatRequest Read(ChatOptions? options, IChatClient client)
    {
        options ??= new ChatOptions();
        var refusals = new List<string>();
        var faults = new List<string>();
        RefuseUnsupported(options, client, refusals);
        JsonArray? tools = ToolDefinitions.Of(options.Tools, refusals);
        var own = new AdditionalSettings(options.AdditionalProperties, refusals, faults);
        SamplingOptions sampling = ReadSampling(options, own, faults);
        AnswerForm form = AnswerFormReader.Read(options, tools, refusals, faults);
        (bool? enableThinking, int? thoughtTokens) = ReadThinking(options, own, refusals, faults);
        bool keepsThoughts = own.Switch(MixKvqMetadata.KeepThoughts) ?? keepThoughts;
        Check(options.MaxOutputTokens is null or > 0, nameof(ChatOptions.MaxOutputTokens), options.MaxOutputTokens, "at least 1", faults);
        Check(options.StopSequences?.All(stop => !string.IsNullOrEmpty(stop)) != false, nameof(ChatOptions.StopSequences), "an empty text", "texts that are not empty", faults);
        own.RefuseOthers();
        if (refusals.Count > 0)
        {
            throw new NotSupportedException($"The request asks for what {nameof(MixKvqChatClient)} does not do. {string.Join("; ", refusals)}.");
        }

        if (faults.Count > 0)
        {
            throw new ArgumentException($"The request's options are out of range. {string.Join("; ", faults)}.", nameof(options));
        }

        return new ChatRequest(
            options.ConversationId,
            new PromptSettings(options.Instructions, tools, enableThinking),
            sampling,
            options.MaxOutputTokens ?? defaultMaxOutputTokens,
            [.. options.StopSequences ?? []],
            form,
            keepsThoughts,
            thoughtTokens,
            options.AllowMultipleToolCalls == false,
            options.Reasoning?.Output == ReasoningOutput.None);
    }

    private void RefuseUnsupported(ChatOptions options, IChatClient client, List<string> refusals)
    {
        Refuse(options.ModelId is { } id && !id.Equals(modelName, StringComparison.OrdinalIgnoreCase), $"{nameof(ChatOptions.ModelId)}: '{options.ModelId}' is not the loaded model, '{modelName}'");
        Refuse(options.AllowBackgroundResponses == true, $"{nameof(ChatOptions.AllowBackgroundResponses)}: true");
        Refuse(options.ContinuationToken is not null, nameof(ChatOptions.ContinuationToken));
        Refuse(options.RawRepresentationFactory?.Invoke(client) is not null, $"{nameof(ChatOptions.RawRepresentationFactory)}: this client has no options of its own beside {nameof(ChatOptions)}");
        Refuse(options.Reasoning?.Output is ReasoningOutput.Summary, $"{nameof(ChatOptions.Reasoning)}: {nameof(ReasoningOutput)}.{nameof(ReasoningOutput.Summary)}; use {nameof(ReasoningOutput.Full)} or {nameof(ReasoningOutput.None)}");

        void Refuse(bool condition, string line)
        {
            if (condition)
            {
                refusals.Add(line);
            }
        }
    }

    private SamplingOptions ReadSampling(ChatOptions options, AdditionalSettings own, List<string> faults)
    {
        // A model without recommendations is greedy, unless the request narrows a distribution it thus wants sampled.
        bool samples = options.TopK is not null || options.TopP is not null;
        var sampling = new SamplingOptions
        {
            Temperature = options.Temperature ?? defaults.Temperature ?? (samples ? 1f : 0f),
            TopK = options.TopK ?? defaults.TopK ?? 0,
            TopP = options.TopP ?? defaults.TopP ?? 1f,
            MinP = own.Number(MixKvqMetadata.MinP) ?? defaults.MinP ?? 0f,
            RepetitionPenalty = own.Number(MixKvqMetadata.RepetitionPenalty) ?? defaults.RepetitionPenalty ?? 1f,
            FrequencyPenalty = options.FrequencyPenalty ?? 0f,
            PresencePenalty = options.PresencePenalty ?? 0f,
            Biases = LogitBiasReader.Read(own.Value(MixKvqMetadata.LogitBias), vocabularySize, faults),
            ReportedAlternatives = ReadReportedAlternatives(own, faults),
            Seed = options.Seed,
        };
        Check(sampling.Temperature is >= 0 and <= 100, nameof(ChatOptions.Temperature), sampling.Temperature, "0 (greedy) to 100", faults);
        Check(sampling.TopK >= 0, nameof(ChatOptions.TopK), sampling.TopK, "0 (all) or more", faults);
        Check(sampling.TopP is > 0 and <= 1, nameof(ChatOptions.TopP), sampling.TopP, "above 0, at most 1", faults);
        Check(sampling.MinP is >= 0 and <= 1, MixKvqMetadata.MinP, sampling.MinP, "0 to 1", faults);
        Check(sampling.RepetitionPenalty is > 0 and <= 100, MixKvqMetadata.RepetitionPenalty, sampling.RepetitionPenalty, "above 0, at most 100", faults);
        Check(float.IsFinite(sampling.FrequencyPenalty), nameof(ChatOptions.FrequencyPenalty), sampling.FrequencyPenalty, "a finite number", faults);
        Check(float.IsFinite(sampling.PresencePenalty), nameof(ChatOptions.PresencePenalty), sampling.PresencePenalty, "a finite number", faults);
        return sampling;
    }

    /// <summary>The template's switch for thoughts and the most tokens of one.</summary>
    private (bool? Enable, int? Tokens) ReadThinking(ChatOptions options, AdditionalSettings own, List<string> refusals, List<string> faults)
    {
        ReasoningEffort? effort = options.Reasoning?.Effort;
        bool? enable = own.Switch(MixKvqMetadata.EnableThinking);
        if (enable is not null && !canDisableThinking)
        {
            refusals.Add($"{MixKvqMetadata.EnableThinking}: the chat template of '{modelName}' has no such switch");
        }

        float? budget = own.Number(MixKvqMetadata.ThinkingBudget);
        Check(budget is null or (>= 0 and <= int.MaxValue), MixKvqMetadata.ThinkingBudget, budget, "0 (no thought) or more tokens", faults);
        if (effort == ReasoningEffort.None)
        {
            // Where the template cannot, the thought is closed as soon as it opens.
            return canDisableThinking ? (false, null) : (null, 0);
        }

        int? byEffort = effort switch
        {
            ReasoningEffort.Low => 1_024,
            ReasoningEffort.Medium => 4_096,
            ReasoningEffort.High => 16_384,
            _ => null,
        };
        return (enable, budget is { } tokens ? (int)tokens : byEffort);
    }

    private static int? ReadReportedAlternatives(AdditionalSettings own, List<string> faults)
    {
        bool reports = own.Switch(MixKvqMetadata.LogProbabilities) == true;
        float? count = own.Number(MixKvqMetadata.TopLogProbabilities);
        Check(
            count is null || (count is >= 0 and <= SamplingOptions.MaxReportedAlternatives && float.IsInteger(count.Value)),
            MixKvqMetadata.TopLogProbabilities,
            count,
            $"a whole number from 0 to {SamplingOptions.MaxReportedAlternatives}",
            faults);
        Check(reports || (count ?? 0) == 0, MixKvqMetadata.TopLogProbabilities, count, $"0 unless {MixKvqMetadata.LogProbabilities} is true", faults);
        return reports ? (int)(count ?? 0) : null;
    }

    private static void Check(bool condition, string name, object? value, string allowed, List<string> faults)
    {
        if (!condition)
        {
            faults.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: {value}; allowed is {allowed}"));
        }
    }
}
