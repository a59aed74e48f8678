using System.Text.Json;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Reads generation_config.json: recommended sampling and the ids that end a generation.</summary>
internal static class GenerationConfigReader
{
    // Known models have up to five; a fault is reported for each bad one.
    private const int MaxEndTokens = 256;

    public static GenerationDefaults ReadDefaults(ConfigFields fields)
    {
        float? temperature = (float?)fields.Number("temperature", 0, 100);
        return new GenerationDefaults(
            fields.Flag("do_sample") switch
            {
                true => temperature ?? 1,
                false => 0,
                null => temperature,
            },
            fields.Count("top_k", 0, int.MaxValue),
            (float?)fields.Number("top_p", 1e-6, 1),
            (float?)fields.Number("min_p", 0, 1),
            (float?)fields.Number("repetition_penalty", 1e-3, 100));
    }

    /// <summary>Reads <c>eos_token_id</c>, a number or a list of numbers below the vocabulary size.</summary>
    public static int[] ReadEndTokenIds(ConfigFields fields, int vocabularySize)
    {
        var ids = new List<int>();
        IReadOnlyList<JsonElement> values = fields.OneOrMany("eos_token_id");
        if (values.Count > MaxEndTokens)
        {
            fields.AddFault($"eos_token_id must hold at most {MaxEndTokens} token ids, not {values.Count}.");
            return [];
        }

        foreach (JsonElement value in values)
        {
            if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) && id >= 0 && id < vocabularySize)
            {
                ids.Add(id);
            }
            else
            {
                fields.AddFault($"eos_token_id must hold token ids from 0 to {vocabularySize - 1}, not {ConfigFields.Describe(value)}.");
            }
        }

        return [.. ids.Distinct()];
    }
}
