using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.GpuCheck.Attention;
using TorchSharp;

namespace MixKVQ.AgentConnector.GpuCheck.DecodeStep;

/// <summary>A model of Llama-3.1-8B's shape.</summary>
internal static class LargeModel
{
    /// <summary>The shape.</summary>
    public static ModelConfig Config { get; } = new()
    {
        Architecture = ModelArchitecture.Llama,
        LayerCount = 32,
        HiddenSize = 4096,
        QueryHeadCount = 32,
        KeyValueHeadCount = 8,
        HeadDim = 128,
        IntermediateSize = 14336,
        VocabularySize = 128256,
        MaxPositionCount = 131072,
        RmsNormEpsilon = 1e-5,
        TieEmbeddings = false,
        AttentionBias = false,
        AttentionOutputBias = false,
        MlpBias = false,
        QueryKeyNorm = false,
        Rope = new RopeParameters(RopeKind.Default, 500_000),
        TorchDType = torch.ScalarType.BFloat16,
        EndTokenIds = [],
        GenerationDefaults = new GenerationDefaults(null, null, null, null, null),
    };

    /// <summary>The heads of such a model.</summary>
    public static AttentionHeads HeadsOf(ModelConfig config) => new(config.QueryHeadCount, config.KeyValueHeadCount, config.HeadDim);
}
