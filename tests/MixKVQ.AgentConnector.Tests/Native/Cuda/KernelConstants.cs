using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda;

/// <summary>The constants that each <c>.cu</c> file is compiled with when it is checked: a shape of a large model, and one that differs where the source does.</summary>
internal static class KernelConstants
{
    private static readonly (string, int) BFloat16 = ("ELEMENT", 1);
    private static readonly (string, int) Float32 = ("ELEMENT", 0);

    private static readonly Dictionary<string, KernelProgram[]> Programs = new KernelProgram[]
    {
        new("HeadKernels", BFloat16, ("HEAD_DIM", 128), ("QUERY_HEADS", 32), ("KV_HEADS", 8)),
        new("HeadKernels", Float32, ("HEAD_DIM", 64), ("QUERY_HEADS", 14), ("KV_HEADS", 2)),
        new("Pointwise", BFloat16),
        new("Pointwise", Float32),
        new("QueryStatistics"),
    }.GroupBy(program => program.File).ToDictionary(group => group.Key, group => group.ToArray());

    /// <summary>The ways in which a file is compiled.</summary>
    public static IReadOnlyList<KernelProgram> Of(string file) => Programs.TryGetValue(file, out KernelProgram[]? programs)
        ? programs
        : throw new InvalidOperationException($"{file}.cu is new: give it a line in {nameof(KernelConstants)}.");
}
