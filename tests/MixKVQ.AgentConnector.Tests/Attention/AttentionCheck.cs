using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Tests.Cache;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Attention;

/// <summary>Compares a kernel with attention's definition over what the view holds.</summary>
internal static class AttentionCheck
{
    public static void EqualsDefinition(IAttentionKernel kernel, CacheDriver driver, CacheView view, int before, int step, double tolerance)
    {
        CacheGeometry geometry = driver.Geometry;
        (float[,,] keys, float[,,] values) = History(view, geometry);
        using Tensor queries = driver.LayerQueries(view.Layer, before, step);
        using Tensor output = kernel.Attend(queries, view, 1 / MathF.Sqrt(geometry.HeadDim));
        Assert.Equal(queries.shape, output.shape);
        Assert.Equal(queries.dtype, output.dtype);
        float[] actual = ToArray(output), asked = ToArray(queries);
        (double largest, double sum) = (0, 0);
        foreach (int token in new[] { 0, step / 2, step - 1 }.Distinct())
        {
            for (int queryHead = 0; queryHead < geometry.QueryHeadCount; queryHead++)
            {
                int head = queryHead / geometry.GroupSize;
                int at = (token * geometry.QueryHeadCount + queryHead) * geometry.HeadDim;
                double[] expected = PlainAttention.Attend(
                    [.. asked.AsSpan(at, geometry.HeadDim).ToArray().Select(q => (double)q)], Rows(keys, head, before + token + 1), Rows(values, head, before + token + 1), 1 / Math.Sqrt(geometry.HeadDim));
                for (int d = 0; d < expected.Length; d++)
                {
                    double error = Math.Abs(expected[d] - actual[at + d]);
                    largest = Math.Max(largest, error);
                    sum += error / expected.Length;
                }
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"layer {view.Layer}: largest error {largest:E2}, sum of mean errors {sum:E2}");
        Assert.True(largest <= tolerance, $"The largest error is {largest:E2}.");
    }

    /// <summary>[kvHead, token, channel] of all that a view holds, dequantized.</summary>
    public static (float[,,] Keys, float[,,] Values) History(CacheView view, CacheGeometry geometry)
    {
        var keys = new float[geometry.KeyValueHeadCount, view.TokenCount, geometry.HeadDim];
        var values = new float[geometry.KeyValueHeadCount, view.TokenCount, geometry.HeadDim];
        int at = 0;
        CopyRows(view.Sinks.Keys, view.Sinks.Values, view.Sinks.Count);
        var dequantizer = new PageDequantizer(view.Layout);
        foreach (var page in view.Pages)
        {
            (Tensor pageKeys, Tensor pageValues, Tensor variances) = dequantizer.Dequantize(page, view.Layer, CPU);
            using (pageKeys)
            using (pageValues)
            using (variances)
            {
                CopyRows(pageKeys, pageValues, CacheGeometry.PageTokens);
            }
        }

        CopyRows(view.Tail.Keys, view.Tail.Values, view.Tail.Count);
        return (keys, values);

        void CopyRows(Tensor fromKeys, Tensor fromValues, int count)
        {
            float[] k = ToArray(fromKeys), v = ToArray(fromValues);
            int capacity = (int)fromKeys.shape[1];
            for (int head = 0; head < geometry.KeyValueHeadCount; head++)
            {
                for (int row = 0; row < count; row++)
                {
                    for (int d = 0; d < geometry.HeadDim; d++)
                    {
                        keys[head, at + row, d] = k[(head * capacity + row) * geometry.HeadDim + d];
                        values[head, at + row, d] = v[(head * capacity + row) * geometry.HeadDim + d];
                    }
                }
            }

            at += count;
        }
    }

    public static float[] ToArray(Tensor tensor)
    {
        using Tensor floats = tensor.to(ScalarType.Float32, copy: true);
        using Tensor contiguous = floats.contiguous();
        return contiguous.data<float>().ToArray();
    }

    private static double[][] Rows(float[,,] history, int head, int count) =>
        [.. Enumerable.Range(0, count).Select(token => Enumerable.Range(0, history.GetLength(2)).Select(d => (double)history[head, token, d]).ToArray())];
}
