using System.Text.Json;
using TorchSharp;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Turns a model folder's config.json and generation_config.json into a <see cref="ModelConfig"/>, or lists every fault.</summary>
internal static class ModelConfigReader
{
    private const long MaxConfigBytes = 1 << 20;
    private const int MaxLayers = 1024;
    private const int MaxWidth = 1 << 20;
    private const int MaxVocabulary = 1 << 24;
    private const int MaxPositions = 1 << 28;

    public static ModelConfig Read(string folder)
    {
        string path = Path.Combine(folder, ModelConfig.FileName);
        using JsonDocument document = CheckpointJson.ReadObject(path, MaxConfigBytes);
        var faults = new List<string>();
        ModelConfig? config = ReadConfig(new ConfigFields(document.RootElement, "", faults));
        ThrowIfAny(path, faults);

        string generationPath = Path.Combine(folder, "generation_config.json");
        if (File.Exists(generationPath))
        {
            using JsonDocument generation = CheckpointJson.ReadObject(generationPath, MaxConfigBytes);
            var fields = new ConfigFields(generation.RootElement, "", faults);
            int[] endTokenIds = GenerationConfigReader.ReadEndTokenIds(fields, config!.VocabularySize);
            config = config with
            {
                EndTokenIds = endTokenIds.Length > 0 ? endTokenIds : config.EndTokenIds,
                GenerationDefaults = GenerationConfigReader.ReadDefaults(fields),
            };
            ThrowIfAny(generationPath, faults);
        }

        return config!;
    }

    private static ModelConfig? ReadConfig(ConfigFields fields)
    {
        if (SupportedModel.ReadArchitecture(fields) is not { } architecture)
        {
            return null;
        }

        SupportedModel.RequireDensePlainWeights(fields);
        int layers = fields.RequiredCount("num_hidden_layers", 1, MaxLayers);
        int hidden = fields.RequiredCount("hidden_size", 1, MaxWidth);
        int queryHeads = fields.RequiredCount("num_attention_heads", 1, MaxWidth);
        int keyValueHeads = fields.Count("num_key_value_heads", 1, MaxWidth) ?? queryHeads;
        int vocabulary = fields.RequiredCount("vocab_size", 1, MaxVocabulary);
        int maxPositions = fields.Count("max_position_embeddings", 1, MaxPositions) ?? 2048;
        SlidingWindow.RequireUnused(fields, architecture, layers, maxPositions);
        RopeParameters rope = RopeParametersReader.Read(fields, maxPositions);
        bool llamaBias = architecture is ModelArchitecture.Llama or ModelArchitecture.Qwen3 && fields.Flag("attention_bias") == true;
        return new ModelConfig
        {
            Architecture = architecture,
            LayerCount = layers,
            HiddenSize = hidden,
            QueryHeadCount = queryHeads,
            KeyValueHeadCount = RequireDivisor(fields, keyValueHeads, queryHeads),
            HeadDim = ReadHeadDim(fields, hidden, queryHeads),
            IntermediateSize = fields.RequiredCount("intermediate_size", 1, MaxWidth),
            VocabularySize = vocabulary,
            MaxPositionCount = StretchedPositions(rope, maxPositions),
            RmsNormEpsilon = fields.Number("rms_norm_eps", 1e-12, 1) ?? 1e-6,
            TieEmbeddings = fields.Flag("tie_word_embeddings") ?? false,
            AttentionBias = architecture == ModelArchitecture.Qwen2 || llamaBias,
            AttentionOutputBias = llamaBias,
            MlpBias = architecture == ModelArchitecture.Llama && fields.Flag("mlp_bias") == true,
            QueryKeyNorm = architecture == ModelArchitecture.Qwen3,
            Rope = rope,
            TorchDType = ReadDType(fields),
            EndTokenIds = GenerationConfigReader.ReadEndTokenIds(fields, vocabulary),
            GenerationDefaults = new GenerationDefaults(null, null, null, null, null),
        };
    }

    private static int RequireDivisor(ConfigFields fields, int keyValueHeads, int queryHeads)
    {
        if (queryHeads % keyValueHeads != 0)
        {
            fields.AddFault($"num_key_value_heads ({keyValueHeads}) must divide num_attention_heads ({queryHeads}).");
        }

        return keyValueHeads;
    }

    private static int ReadHeadDim(ConfigFields fields, int hidden, int queryHeads)
    {
        int headDim = fields.Count("head_dim", 2, 4096) ?? hidden / queryHeads;
        if (!fields.Has("head_dim") && hidden % queryHeads != 0)
        {
            fields.AddFault($"head_dim is missing and hidden_size ({hidden}) is not a multiple of num_attention_heads ({queryHeads}).");
        }
        else if (headDim % 2 != 0 || headDim is < 2 or > 4096)
        {
            fields.AddFault($"head_dim must be even and from 2 to 4096, not {headDim}.");
        }

        return headDim;
    }

    // Dynamic scaling, and YaRN as model cards ask for it, leave max_position_embeddings at the pretrained length.
    private static int StretchedPositions(RopeParameters rope, int maxPositions) => rope.Kind is RopeKind.Dynamic or RopeKind.Yarn
        ? (int)Math.Min(MaxPositions, Math.Max(maxPositions, rope.Factor * rope.OriginalMaxPositionCount))
        : maxPositions;

    private static torch.ScalarType ReadDType(ConfigFields fields)
    {
        string name = fields.Text("dtype") ?? fields.Text("torch_dtype") ?? "float32";
        switch (name)
        {
            case "float32":
                return torch.ScalarType.Float32;
            case "float16":
                return torch.ScalarType.Float16;
            case "bfloat16":
                return torch.ScalarType.BFloat16;
            default:
                fields.AddFault($"element type \"{name}\" is not supported; float32, float16 and bfloat16 are.");
                return torch.ScalarType.Float32;
        }
    }

    private static void ThrowIfAny(string path, List<string> faults)
    {
        if (faults.Count > 0)
        {
            throw new InvalidDataException($"{path} cannot be used:{string.Concat(faults.Distinct().Select(fault => $"\n- {fault}"))}");
        }
    }
}
