using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector;

/// <summary>How the key-value cache is quantized. Read once when a model is loaded; later changes have no effect.</summary>
public sealed class KvCacheOptions
{
    /// <summary>How a sealed page spends its bits. Default: <see cref="KvCachePolicy.MixKvq"/>.</summary>
    public KvCachePolicy Policy { get; set; } = KvCachePolicy.MixKvq;

    /// <summary>
    /// Bits an element of a sealed page, with codes, scales, zeros, width masks and page header counted; used by <see cref="KvCachePolicy.MixKvq"/>.
    /// From 2 to 16, default 2.5. A model of small heads needs more than 2 bits for its scales alone: loading it names the smallest target it can meet.
    /// </summary>
    public double TargetBits { get; set; } = 2.5;

    /// <summary>
    /// The salience above which <see cref="KvCachePolicy.MixKvqThresholds"/> keeps a key channel at 16 bits (the paper's τ_16). Default 1.44, its example.
    /// </summary>
    public double FullPrecisionThreshold { get; set; } = 1.44;

    /// <summary>
    /// The salience above which <see cref="KvCachePolicy.MixKvqThresholds"/> gives a key channel 4 bits (the paper's τ_4). Default 0.79, its example.
    /// </summary>
    public double FourBitThreshold { get; set; } = 0.79;

    /// <summary>
    /// How many elements of a value vector share one scale and zero: a multiple of 8 that divides the model's head dimension, or null (the default) for the whole head.
    /// </summary>
    public int? ValueGroupSize { get; set; }

    /// <summary>
    /// Whether the model's value projections are rotated by a Hadamard matrix when it is loaded, for <see cref="KvCachePolicy.MixKvq"/>.
    /// It spreads outliers and leaves the model's function as it is, up to rounding. Default true; ignored where the head dimension is no power of two.
    /// </summary>
    public bool RotateValues { get; set; } = true;

    /// <summary>
    /// Whether attention takes half the variance that quantized keys add to a logit off that logit, for <see cref="KvCachePolicy.MixKvq"/>: noise in a logit raises its
    /// exponential on average, so that quantized tokens would weigh too much against the exact ones. Default true.
    /// </summary>
    public bool CorrectKeyBias { get; set; } = true;

    /// <summary>
    /// Whether decoding keeps queries and attention weights as 32-bit floats. By default, on the CPU, they are rounded to 8 bits, each query and page with a scale of its
    /// own, where they meet keys and values of 2, 3 or 4 bits, which is several times as fast and adds a small part of the quantization's own error. Default false.
    /// </summary>
    public bool ExactAttention { get; set; }

    /// <summary>
    /// The most memory that the caches of all conversations may take together, sinks, pages and tails included: a size such as <c>12GiB</c> or <c>500MB</c>, or a share, such
    /// as <c>25%</c> (the default), of the memory that this process may use; on a GPU, of the device's memory that is free once the model is loaded. There a size that is
    /// more than what is free is refused when the model is loaded. Turns wait for each other where they do not fit together; the least recently used caches leave
    /// memory first, for <see cref="SpillDirectory"/> where there is one. Without it their tokens are kept and read again when they are needed.
    /// </summary>
    public string MemoryBudget { get; set; } = "25%";

    /// <summary>
    /// A folder of this client's own, where every conversation is written after each turn, so that its cache can leave memory and come back, and so that it outlives the
    /// process; null (the default) for none. One process at a time may use it. Its files hold what was said: it is made readable for its owner only.
    /// </summary>
    public string? SpillDirectory { get; set; }

    /// <summary>
    /// The most bytes that <see cref="SpillDirectory"/> may take, a size such as <c>100GiB</c>: beyond it the least recently used conversations are deleted from it.
    /// Default <c>20GiB</c>.
    /// </summary>
    public string SpillLimit { get; set; } = "20GiB";

    /// <summary>Adds one line for each setting out of its range, naming it under <paramref name="path"/> with its value and the values allowed.</summary>
    internal void CollectFaults(string path, ICollection<string> faults)
    {
        if (!Enum.IsDefined(Policy))
        {
            faults.Add($"{path}.{nameof(Policy)} is {Policy}; allowed: {string.Join(", ", Enum.GetNames<KvCachePolicy>())}.");
        }

        if (!(TargetBits is >= 2 and <= 16))
        {
            faults.Add($"{path}.{nameof(TargetBits)} is {TargetBits}; allowed: 2 to 16.");
        }

        if (!(FourBitThreshold >= 0) || double.IsInfinity(FourBitThreshold))
        {
            faults.Add($"{path}.{nameof(FourBitThreshold)} is {FourBitThreshold}; allowed: a finite number from 0.");
        }

        if (!(FullPrecisionThreshold >= FourBitThreshold))
        {
            faults.Add($"{path}.{nameof(FullPrecisionThreshold)} is {FullPrecisionThreshold}; allowed: {nameof(FourBitThreshold)} ({FourBitThreshold}) or more.");
        }

        if (!ByteAmount.TryParseSizeOrShare(MemoryBudget, ProcessMemory, out _))
        {
            faults.Add($"{path}.{nameof(MemoryBudget)} is '{MemoryBudget}'; allowed: {ByteAmount.Forms}, or a share such as 25%.");
        }

        if (!ByteAmount.TryParseSize(SpillLimit, out _))
        {
            faults.Add($"{path}.{nameof(SpillLimit)} is '{SpillLimit}'; allowed: {ByteAmount.Forms}.");
        }

        if (SpillDirectory is { } folder && string.IsNullOrWhiteSpace(folder))
        {
            faults.Add($"{path}.{nameof(SpillDirectory)} is empty; allowed: a folder, which is made where it does not exist, or null.");
        }

        if (ValueGroupSize is int size && (size < 8 || size % 8 != 0))
        {
            faults.Add($"{path}.{nameof(ValueGroupSize)} is {size}; allowed: a multiple of 8, or none.");
        }
    }

    /// <summary><see cref="MemoryBudget"/> in bytes, where caches are in the memory of the process.</summary>
    internal long MemoryBudgetBytes => ByteAmount.TryParseSizeOrShare(MemoryBudget, ProcessMemory, out long bytes) ? bytes : 0;

    /// <summary><see cref="MemoryBudget"/> in bytes, where caches are in a device's memory.</summary>
    /// <param name="memory">The device's memory with the model loaded.</param>
    /// <exception cref="ArgumentException">The budget is more than what is free.</exception>
    internal long MemoryBudgetBytesOn(DeviceMemory memory)
    {
        _ = ByteAmount.TryParseSizeOrShare(MemoryBudget, memory.Free, out long bytes);
        return bytes <= memory.Free ? bytes : throw new ArgumentException(
            $"{nameof(MixKvqOptions.Cache)}.{nameof(MemoryBudget)} is '{MemoryBudget}', but with the model loaded {memory.Free >> 20} of the device's {memory.Total >> 20} MiB are free. "
            + "Set less, or a share such as 80%, or end what else uses the device's memory.");
    }

    /// <summary><see cref="SpillLimit"/> in bytes.</summary>
    internal long SpillLimitBytes => ByteAmount.TryParseSize(SpillLimit, out long bytes) ? bytes : 0;

    /// <summary>The memory that this process may use: the machine's, or a container's limit.</summary>
    private static long ProcessMemory => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    internal KvCacheOptions Clone() => (KvCacheOptions)MemberwiseClone();

    /// <summary>Whether the cache expects values that the model rotates at load.</summary>
    internal bool ExpectsRotatedValues => RotateValues && Policy == KvCachePolicy.MixKvq;

    /// <summary>Whether kernels correct the logits of quantized keys.</summary>
    internal bool CorrectsKeyBias => CorrectKeyBias && Policy == KvCachePolicy.MixKvq;
}
