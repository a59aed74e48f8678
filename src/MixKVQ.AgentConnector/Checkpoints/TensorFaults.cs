using System.Text;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Collects what is wrong with a checkpoint's tensors and reports it in one error.</summary>
internal sealed class TensorFaults
{
    // A malicious header may hold a million names.
    private const int MaxListed = 1000;

    private readonly List<string> _missing = [];
    private readonly List<string> _misshaped = [];
    private readonly List<string> _extra = [];

    public void AddMissing(TensorSpec spec) => _missing.Add($"{spec.Name} {Format(spec.Shape)}");

    public void AddExtra(SafetensorsEntry entry) => _extra.Add($"{SafetensorsEntryReader.Quote(entry.Name)} {Format(entry.Shape)}");

    /// <summary>Compares an entry's shape and type with what the model needs.</summary>
    public void Check(TensorSpec spec, SafetensorsEntry entry)
    {
        if (!entry.Shape.SequenceEqual(spec.Shape))
        {
            _misshaped.Add($"{spec.Name} is {Format(entry.Shape)}, expected {Format(spec.Shape)}");
        }
        else if (SafetensorsTypes.ToTorch(entry.DType) is null)
        {
            _misshaped.Add($"{spec.Name} has element type {entry.DType}; F32, F16 and BF16 are supported");
        }
    }

    /// <exception cref="InvalidDataException">Anything was added.</exception>
    public void ThrowIfAny(string folder)
    {
        if (_missing.Count + _misshaped.Count + _extra.Count == 0)
        {
            return;
        }

        var message = new StringBuilder($"The safetensors files of {folder} do not hold the tensors that its config.json asks for.");
        Append(message, "Missing", _missing);
        Append(message, "Of wrong shape or type", _misshaped);
        Append(message, "Not expected", _extra);
        throw new InvalidDataException(message.ToString());
    }

    private static void Append(StringBuilder message, string title, List<string> faults)
    {
        if (faults.Count == 0)
        {
            return;
        }

        message.Append($"\n{title} ({faults.Count}):");
        foreach (string fault in faults.Take(MaxListed))
        {
            message.Append("\n- ").Append(fault);
        }

        if (faults.Count > MaxListed)
        {
            message.Append($"\n- and {faults.Count - MaxListed} more");
        }
    }

    private static string Format(IReadOnlyList<long> shape) => $"[{string.Join(", ", shape)}]";
}
