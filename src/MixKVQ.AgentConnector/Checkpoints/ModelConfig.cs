using TorchSharp;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>What config.json and generation_config.json say about a dense decoder, checked and with defaults resolved.</summary>
internal sealed record ModelConfig
{
    /// <summary>The file that is read.</summary>
    public const string FileName = "config.json";

    public required ModelArchitecture Architecture { get; init; }

    public required int LayerCount { get; init; }

    public required int HiddenSize { get; init; }

    public required int QueryHeadCount { get; init; }

    /// <summary>Divides <see cref="QueryHeadCount"/>.</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Channels of one head; even.</summary>
    public required int HeadDim { get; init; }

    public required int IntermediateSize { get; init; }

    public required int VocabularySize { get; init; }

    /// <summary>Longest context in tokens, stretching by RoPE included.</summary>
    public required int MaxPositionCount { get; init; }

    public required double RmsNormEpsilon { get; init; }

    /// <summary>Whether the output projection is the embedding matrix.</summary>
    public required bool TieEmbeddings { get; init; }

    /// <summary>Whether query, key and value projections have biases.</summary>
    public required bool AttentionBias { get; init; }

    /// <summary>Whether the attention's output projection has a bias.</summary>
    public required bool AttentionOutputBias { get; init; }

    /// <summary>Whether the three projections of the MLP have biases.</summary>
    public required bool MlpBias { get; init; }

    /// <summary>Whether query and key heads pass an RMS norm before rotation.</summary>
    public required bool QueryKeyNorm { get; init; }

    public required RopeParameters Rope { get; init; }

    /// <summary>The checkpoint's element type: float32, float16 or bfloat16.</summary>
    public required torch.ScalarType TorchDType { get; init; }

    /// <summary>Ids that end a generation; generation_config.json before config.json; may be empty.</summary>
    public required IReadOnlyList<int> EndTokenIds { get; init; }

    public required GenerationDefaults GenerationDefaults { get; init; }

    /// <summary>Reads <paramref name="folder"/>'s config.json and, where present, generation_config.json.</summary>
    /// <exception cref="InvalidDataException">A file is missing, malformed or describes a model that is not supported; all faults are listed.</exception>
    public static ModelConfig Load(string folder) => ModelConfigReader.Read(folder);
}
