using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Cuda;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using MixKVQ.AgentConnector.Threading;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Cache.Cuda;

/// <summary>A tail with its statistics, to be sealed by the CPU's sealer and by the emulated device's.</summary>
internal sealed class SealedTail : IDisposable
{
    private const int Hidden = 16;

    private readonly PackedPageLayout _layout;
    private readonly ICachePolicy _policy;
    private readonly QueryStatistics _statistics;
    private readonly EmulatedDevice _device = new();
    private readonly DeviceQueryStatistics _deviceStatistics;
    private readonly PagePool _pool = new();

    public SealedTail(CacheGeometry geometry, ICachePolicy policy, int valueGroup, TailData data, bool hasEnergies = true)
    {
        _policy = policy;
        _layout = new PackedPageLayout(
            geometry,
            new MatrixLayout(geometry.HeadDim, CacheGeometry.PageTokens, policy.KeyWidths, policy.ScaleBytes, geometry.Format),
            new MatrixLayout(CacheGeometry.PageTokens, valueGroup, policy.ValueWidths, policy.ScaleBytes, geometry.Format),
            true);
        var random = new Random(7);
        long[] shape = [geometry.LayerCount, 2, geometry.KeyValueHeadCount, CacheGeometry.PageTokens, geometry.HeadDim];
        using Tensor exact = tensor(Elements(shape, data, geometry.DType == ScalarType.Float32 ? 1e-41f : 1e-7f, random), shape, ScalarType.Float32);
        Tail = exact.to(geometry.DType, copy: true);
        _statistics = new QueryStatistics(geometry);
        for (int layer = 0; layer < geometry.LayerCount; layer++)
        {
            for (int token = 0; token < CacheGeometry.PageTokens; token++)
            {
                float[] queries = Normal(geometry.QueryHeadCount * geometry.HeadDim, random);
                _statistics.Add(layer, data == TailData.Ties ? Ones(queries.Length) : queries, hasEnergies ? Normal(Hidden, random) : []);
            }
        }

        byte[] sums = new byte[_statistics.Bytes];
        _statistics.Write(sums);
        _deviceStatistics = DeviceQueryStatistics.Read(geometry, new QueryStatisticsKernels(_device), sums, CacheGeometry.PageTokens);
    }

    /// <summary>[layers, 2, kvHeads, 128, headDim].</summary>
    public Tensor Tail { get; }

    /// <summary>Pages in use that nobody else holds.</summary>
    public int LivePageCount => _pool.LivePageCount;

    public (byte[] Bytes, PageContents Contents) ByCpu()
    {
        using var team = new WorkerTeam(1);
        return Take(new PageSealer(_layout, _policy, _pool, team).Seal(Tail, _statistics, 32));
    }

    public (byte[] Bytes, PageContents Contents) ByDevice(int firstToken = 32)
    {
        using var sealer = new CudaPageSealer(_layout, _policy, _pool, _device);
        sealer.Seal(Tail, _deviceStatistics, firstToken).Release();
        return Take(sealer.Seal(Tail, _deviceStatistics, firstToken));
    }

    public void Dispose()
    {
        Tail.Dispose();
        _statistics.Dispose();
        _deviceStatistics.Dispose();
        _pool.Dispose();
    }

    private static (byte[] Bytes, PageContents Contents) Take(Page page)
    {
        (byte[], PageContents) taken = (page.Bytes.ToArray(), page.Contents);
        page.Release();
        return taken;
    }

    private static float[] Elements(long[] shape, TailData data, float smallest, Random random)
    {
        int headDim = (int)shape[^1];
        float[] elements = Normal((int)shape.Aggregate(1L, (product, size) => product * size), random);
        float[] spreads = Normal(elements.Length / CacheGeometry.PageTokens, random), offsets = Normal(spreads.Length, random);
        for (int i = 0; i < elements.Length; i++)
        {
            (int row, int channel) = Math.DivRem(i, headDim);
            (int block, int token) = Math.DivRem(row, CacheGeometry.PageTokens);
            int line = block * headDim + channel;
            float usual = elements[i] * MathF.Exp(0.7f * spreads[line]) + offsets[line];
            elements[i] = data switch
            {
                TailData.Constant => block == 0 ? 0 : channel % 4 == 1 ? 3 : token % 4 == 2 ? -1.5f : usual,
                TailData.Outliers => random.Next(500) == 0 ? usual * 5000 : usual,
                TailData.Ties => MathF.Sin(token) + MathF.Cos(channel % 8 * 2 + token),
                TailData.Tiny => MathF.Round(usual * 20) * smallest,
                TailData.SignedZeros => MathF.Round(elements[i]) * (random.Next(2) == 0 ? 1 : -1) * (channel % 2),
                _ => usual,
            };
        }

        return elements;
    }

    private static float[] Normal(int count, Random random)
    {
        float[] numbers = new float[count];
        foreach (ref float number in numbers.AsSpan())
        {
            number = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return numbers;
    }

    private static float[] Ones(int count)
    {
        float[] ones = new float[count];
        Array.Fill(ones, 1);
        return ones;
    }
}
