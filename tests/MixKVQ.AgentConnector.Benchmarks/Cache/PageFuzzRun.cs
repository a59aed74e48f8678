using System.Diagnostics;
using System.Globalization;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Tests.Cache.Fuzzing;
using TorchSharp;

namespace MixKVQ.AgentConnector.Benchmarks.Cache;

/// <summary>Damages and reads many pages, and an image after each 100: <c>fuzz-pages COUNT [SEED]</c>. Linux only. Ends with an error, or the process, at the first harm.</summary>
internal static class PageFuzzRun
{
    private const int PagesAnImage = 100;

    private const int BatchPages = 10_000;

    private static readonly torch.ScalarType[] Types = [torch.ScalarType.Float32, torch.ScalarType.BFloat16, torch.ScalarType.Float16];

    private static readonly int[] HeadDims = [8, 16, 32, 64, 128];

    public static void Run(long count, int seed)
    {
        TorchLibrary.EnsureLoaded();
        torch.set_num_threads(1);
        (long accepted, long refused, long pages) = (0, 0, 0);
        long start = Stopwatch.GetTimestamp();
        KvCachePolicy[] policies = Enum.GetValues<KvCachePolicy>();
        for (int batch = 0; pages < count; batch++)
        {
            // What a batch works on follows from the seed alone, so that a harm can be seen again.
            int batchSeed = seed + batch;
            KvCachePolicy policy = policies[batchSeed % policies.Length];
            torch.ScalarType dtype = Types[batchSeed / policies.Length % Types.Length];
            int headDim = HeadDims[batchSeed % HeadDims.Length];
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s, {pages} pages: seed {batchSeed}, {policy}, {dtype}, heads of {headDim}"));
            using var fuzz = new CacheFuzz(policy, dtype, headDim, batchSeed);
            for (int i = 0; i < BatchPages && pages < count; i++, pages++)
            {
                fuzz.TryPage();
                if (i % PagesAnImage == 0)
                {
                    fuzz.TryImage();
                }
            }

            fuzz.CheckIntegrity();
            accepted += fuzz.Accepted;
            refused += fuzz.Refused;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{pages} pages and an image each {PagesAnImage}: {accepted} accepted, {refused} refused, no harm, {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s"));
    }
}
