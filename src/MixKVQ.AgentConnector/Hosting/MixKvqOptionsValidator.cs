using Microsoft.Extensions.Options;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>Checks options at the door and reports all faults together.</summary>
internal sealed class MixKvqOptionsValidator : IValidateOptions<MixKvqOptions>
{
    private static readonly string[] DTypes = ["auto", "float32", "bfloat16"];

    /// <summary>A copy of options that are right.</summary>
    /// <exception cref="OptionsValidationException">They are not; all faults are in the message.</exception>
    public static MixKvqOptions Checked(MixKvqOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        List<string> faults = FaultsOf(options);
        return faults.Count == 0
            ? options.Clone()
            : throw new OptionsValidationException(Options.DefaultName, typeof(MixKvqOptions), faults);
    }

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, MixKvqOptions options)
    {
        List<string> faults = FaultsOf(options);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static List<string> FaultsOf(MixKvqOptions options)
    {
        var faults = new List<string>();
        if (string.IsNullOrWhiteSpace(options.ModelPath))
        {
            faults.Add($"{nameof(MixKvqOptions.ModelPath)} is empty; pass the folder that holds the model's config.json.");
        }
        else if (!File.Exists(Path.Combine(options.ModelPath, "config.json")))
        {
            faults.Add($"{nameof(MixKvqOptions.ModelPath)} is '{options.ModelPath}', which has no config.json; pass the folder that holds the model's config.json.");
        }

        Check(IsDevice(options.Device), nameof(MixKvqOptions.Device), options.Device, "cpu, cuda, cuda:0, cuda:1 …");
        Check(options.DType is null || DTypes.Contains(options.DType), nameof(MixKvqOptions.DType), options.DType, string.Join(", ", DTypes));
        Check(Enum.IsDefined(options.Weights), nameof(MixKvqOptions.Weights), options.Weights, string.Join(", ", Enum.GetNames<WeightPrecision>()));
        if (options.Weights == WeightPrecision.EightBit && options.Device != "cpu")
        {
            faults.Add($"{nameof(MixKvqOptions.Weights)} is {options.Weights}, which runs on the CPU only, but {nameof(MixKvqOptions.Device)} is '{options.Device}'; set {nameof(MixKvqOptions.Weights)} to {nameof(WeightPrecision.Checkpoint)} or {nameof(MixKvqOptions.Device)} to cpu.");
        }

        Check(options.TorchLibraryPath is null || Directory.Exists(options.TorchLibraryPath), nameof(MixKvqOptions.TorchLibraryPath), options.TorchLibraryPath, "an existing folder, such as …/site-packages/torch/lib");
        Check(options.ThreadCount is null or (> 0 and <= 1024), nameof(MixKvqOptions.ThreadCount), options.ThreadCount, "1 to 1024, or null");
        Check(options.ContextLength is null or > 1, nameof(MixKvqOptions.ContextLength), options.ContextLength, "2 or more, or null");
        Check(options.MaxConversations > 0, nameof(MixKvqOptions.MaxConversations), options.MaxConversations, "1 or more");
        Check(options.SlidingExpiration is null || options.SlidingExpiration > TimeSpan.Zero, nameof(MixKvqOptions.SlidingExpiration), options.SlidingExpiration, "a time above 0, or null");
        Check(options.AbsoluteExpiration is null || options.AbsoluteExpiration > TimeSpan.Zero, nameof(MixKvqOptions.AbsoluteExpiration), options.AbsoluteExpiration, "a time above 0, or null");
        Check(options.MaxOutputTokens is null or > 0, nameof(MixKvqOptions.MaxOutputTokens), options.MaxOutputTokens, "1 or more, or null");
        Check(Enum.IsDefined(options.ContextOverflow), nameof(MixKvqOptions.ContextOverflow), options.ContextOverflow, string.Join(", ", Enum.GetNames<ContextOverflowPolicy>()));
        Check(options.Cache is not null, nameof(MixKvqOptions.Cache), null, $"a {nameof(KvCacheOptions)}");
        options.Cache?.CollectFaults(nameof(MixKvqOptions.Cache), faults);
        return faults;

        void Check(bool condition, string option, object? value, string allowed)
        {
            if (!condition)
            {
                faults.Add($"{option} is {(value is string text ? $"'{text}'" : value ?? "null")}; allowed is {allowed}.");
            }
        }
    }

    private static bool IsDevice(string? device) =>
        device is "cpu" or "cuda"
        || (device?.StartsWith("cuda:", StringComparison.Ordinal) == true && int.TryParse(device.AsSpan(5), out int index) && index is >= 0 and < 64);
}
