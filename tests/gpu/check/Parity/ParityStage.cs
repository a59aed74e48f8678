using System.Globalization;
using MixKVQ.AgentConnector.GpuCheck.Loading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Parity;

/// <summary>Every kernel against plain code on the CPU.</summary>
internal static class ParityStage
{
    private const double WantedErrorRatio = 1.02;

    // The history and the chunk.
    private static readonly (int Before, int Chunk)[] Chunks = [(0, 1), (0, 32), (0, 128), (30, 2), (32, 128), (40, 100), (300, 60), (1056, 128)];

    /// <summary>Runs the stage.</summary>
    public static void Run(CheckMachine machine) => Run(machine, AttentionCase.All);

    /// <summary>Runs the stage over some of the cases.</summary>
    public static void Run(CheckMachine machine, IReadOnlyList<AttentionCase> cases)
    {
        KernelsAhead.Compile(machine, cases);
        var table = new ParityTable(machine.Report);
        foreach (AttentionCase item in cases)
        {
            Try(table, "decode attention", item.Name, () => table.Add("decode attention", item.Name, AttentionParity.OfDecoding(machine, item), item.Bar));
        }

        foreach (AttentionCase item in cases)
        {
            Try(table, "prefill attention", item.Name, () =>
            {
                Difference worst = Chunks.Select(chunk => AttentionParity.OfPrefill(machine, item, chunk.Before, chunk.Chunk)).Aggregate((first, second) => first.Or(second));
                table.Add("prefill attention", $"{item.Name}; {Chunks.Length} chunks", worst, item.Bar);
            });
        }

        foreach (ScalarType type in new[] { ScalarType.BFloat16, ScalarType.Float32 })
        {
            foreach (int headDim in new[] { 64, 128 })
            {
                Try(table, "small operations", $"{type}, head_dim {headDim}", () => PointwiseParity.Compare(machine, type, headDim, table));
            }
        }

        CompareSealing(machine, cases);
    }

    private static void CompareSealing(CheckMachine machine, IReadOnlyList<AttentionCase> cases)
    {
        machine.Report.Table("kernel", "case", "bytes of the page that differ", "squared error, device / CPU", "bar", "");
        foreach (AttentionCase item in cases)
        {
            try
            {
                (double differ, double ratio) = SealingParity.Compare(machine, item);
                string verdict = machine.Report.Require(ratio <= WantedErrorRatio, string.Create(CultureInfo.InvariantCulture, $"sealing, {item.Name}: the error is {ratio:F3} times the CPU's."));
                machine.Report.Row("sealing", item.Name, differ.ToString("P2", CultureInfo.InvariantCulture), Ratio(ratio), Ratio(WantedErrorRatio), verdict);
            }
            catch (Exception fault)
            {
                // The other cases have something to tell.
                machine.Report.Row("sealing", item.Name, fault.GetType().Name, "–", Ratio(WantedErrorRatio), machine.Report.Require(false, $"sealing, {item.Name}: {fault.Message}"));
            }
        }
    }

    private static void Try(ParityTable table, string kernel, string about, Action compare)
    {
        try
        {
            compare();
        }
        catch (Exception fault)
        {
            // The other cases have something to tell.
            table.Add(kernel, about, fault);
        }
    }

    private static string Ratio(double value) => value.ToString("F3", CultureInfo.InvariantCulture);
}
