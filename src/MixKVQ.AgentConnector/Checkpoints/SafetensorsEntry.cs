namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>One tensor of a safetensors file, as its validated header describes it.</summary>
/// <param name="Name">Unique in its file.</param>
/// <param name="DType">The format's own spelling, such as BF16.</param>
/// <param name="Shape">Non-negative sizes whose product fits the bytes.</param>
/// <param name="Offset">First byte, from the start of the file.</param>
/// <param name="ByteCount">Length in bytes: elements times element size.</param>
internal sealed record SafetensorsEntry(string Name, string DType, IReadOnlyList<long> Shape, long Offset, long ByteCount);
