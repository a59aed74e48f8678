using System.Globalization;

namespace MixKVQ.AgentConnector.GpuCheck;

/// <summary>What the command line says.</summary>
/// <param name="TorchLibraryPath">PyTorch's folder torch/lib; null for the libtorch that lies with the program.</param>
/// <param name="ModelPath">The embedded planner model's folder.</param>
/// <param name="DeviceIndex">Which GPU.</param>
/// <param name="ReportPath">A file that all that is printed is added to.</param>
/// <param name="Stages">The stages to run; none for all.</param>
internal sealed record CheckOptions(string? TorchLibraryPath, string ModelPath, int DeviceIndex, string ReportPath, IReadOnlyList<string> Stages)
{
    /// <summary>How the program is called.</summary>
    public const string Usage = "MixKVQ.AgentConnector.GpuCheck [--torch TORCH_LIB] [--model FOLDER] [--device N] [--report FILE] [STAGE…]";

    /// <summary>Reads the command line.</summary>
    /// <param name="arguments">As given.</param>
    /// <param name="stages">The stages that there are.</param>
    /// <exception cref="ArgumentException">An option or a stage is not known, or a value is missing or no number.</exception>
    public static CheckOptions Read(IReadOnlyList<string> arguments, IReadOnlyList<string> stages)
    {
        var options = new CheckOptions(null, Path.Combine(AppContext.BaseDirectory, "model"), 0, "gpu-check.md", []);
        List<string> chosen = [];
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            options = argument switch
            {
                "--torch" => options with { TorchLibraryPath = Value() },
                "--model" => options with { ModelPath = Value() },
                "--device" => options with { DeviceIndex = Number(Value()) },
                "--report" => options with { ReportPath = Value() },
                _ => options,
            };
            if (argument is not ("--torch" or "--model" or "--device" or "--report") && arguments[i] == argument)
            {
                chosen.Add(stages.Contains(argument) ? argument : throw new ArgumentException(
                    $"'{argument}' is no stage; there are {string.Join(", ", stages)}. Usage: {Usage}"));
            }

            string Value() => ++i < arguments.Count ? arguments[i] : throw new ArgumentException($"{argument} needs a value. Usage: {Usage}");

            int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                ? number
                : throw new ArgumentException($"{argument} is '{text}'; it has to be the index of a GPU, from 0.");
        }

        return options with { Stages = chosen };
    }
}
