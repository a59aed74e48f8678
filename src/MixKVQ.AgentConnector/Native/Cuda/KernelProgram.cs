namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>A <c>.cu</c> file of this assembly, compiled with constants: what a model's shape decides is known to the compiler.</summary>
/// <param name="File">The file's name without extension, such as <c>DecodeAttention</c>.</param>
/// <param name="Constants">Macros and their values, such as HEAD_DIM and 128.</param>
internal sealed record KernelProgram(string File, params IReadOnlyList<(string Name, int Value)> Constants)
{
    /// <summary>Constants as compilers take them: <c>-DHEAD_DIM=128</c>.</summary>
    public IEnumerable<string> Defines => Constants.Select(constant => $"-D{constant.Name}={constant.Value}");
}
