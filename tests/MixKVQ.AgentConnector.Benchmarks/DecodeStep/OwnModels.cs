using MixKVQ.AgentConnector.Models;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.DecodeStep;

/// <summary>A model folder with each precision of weights that this library runs.</summary>
/// <param name="folder">The model.</param>
internal sealed class OwnModels(string folder) : IDisposable
{
    /// <summary>The models, and how tables call them.</summary>
    public IReadOnlyList<(string Name, DecoderModel Model)> All { get; } =
    [
        ("bf16", Load(folder, WeightPrecision.Checkpoint)),
        ("int8", Load(folder, WeightPrecision.EightBit)),
    ];

    public void Dispose()
    {
        foreach ((_, DecoderModel model) in All)
        {
            model.Dispose();
        }
    }

    private static DecoderModel Load(string folder, WeightPrecision precision) =>
        DecoderModel.Load(folder, CPU, ScalarType.BFloat16, new KvCacheOptions().ExpectsRotatedValues, precision);
}
