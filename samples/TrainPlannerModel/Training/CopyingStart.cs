using TorchSharp;
using static TorchSharp.torch;

namespace TrainPlannerModel.Training;

/// <summary>
/// A start that copies. In the first layer the four heads look one to four tokens back. In the second, one KV head looks for the
/// place that followed the same token (an induction head, arXiv 2209.11895), another for the value that followed the same subject of
/// the same kind, "order copper 571"; in the third, one for the place that followed the same two tokens. Each passes on what it finds.
/// From random weights a model of this size spends millions of tokens before it finds such a circuit.
/// </summary>
/// <remarks>
/// The hidden space starts out divided: a constant, the token's own embedding, and what the first layer writes of the four tokens
/// before it. Training is free to change all of it.
/// </remarks>
internal sealed class CopyingStart(PlannerShape shape, Generator generator)
{
    private const double EmbeddingDeviation = 0.05;
    private const double Constant = 4;
    private const int BackDims = 36;
    private const int FarthestBack = 4;

    /// <summary>Rotation pairs that turn so slowly that a match counts alike at any distance of the context.</summary>
    private const int SlowPairs = 12;

    /// <summary>Rotation pairs fast enough to tell neighbouring positions apart.</summary>
    private const int FastPairs = 8;

    private int OwnDims => shape.HiddenSize - 1 - (FarthestBack * BackDims);

    private int HalfHead => shape.HeadDim / 2;

    /// <summary>Token embeddings, [vocabulary, hidden].</summary>
    public Tensor Embedding()
    {
        Tensor embedding = zeros(shape.VocabularySize, shape.HiddenSize);
        embedding.narrow(1, 0, 1).fill_(Constant * EmbeddingDeviation);
        embedding.narrow(1, 1, OwnDims).copy_(EmbeddingDeviation * randn([shape.VocabularySize, OwnDims], generator: generator));
        return embedding;
    }

    /// <summary>The first layer's heads look at single positions: their norms start sharper.</summary>
    public static double HeadNorm(int layer) => layer == 0 ? 2.2 : 1.7;

    /// <summary>Writes the circuit over heads of the first three layers.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="weights">The projections by name: q [heads, headDim, hidden], k and v [kvHeads, headDim, hidden], o [hidden, heads, headDim]; changed in place.</param>
    public void Write(int layer, IReadOnlyDictionary<string, Tensor> weights)
    {
        switch (layer)
        {
            case 0:
                LookBack(weights);
                break;
            case 1:
                Match(weights, 0, [(Here: 1, There: 2), (Here: 3, There: 4)]);
                Match(weights, 1, [(Here: 0, There: 1)]);
                break;
            case 2:
                Match(weights, 0, [(Here: 0, There: 1), (Here: 1, There: 2)]);
                break;
        }
    }

    private void LookBack(IReadOnlyDictionary<string, Tensor> weights)
    {
        foreach (Tensor weight in (Tensor[])[weights["q"], weights["k"], weights["v"]])
        {
            weight.mul_(0.02);
        }

        for (int head = 0; head < shape.QueryHeadCount; head++)
        {
            int back = head + 1;
            int keyHead = head / (shape.QueryHeadCount / shape.KeyValueHeadCount);
            for (int pair = 0; pair < FastPairs; pair++)
            {
                double angle = back * Math.Pow(shape.RopeTheta, -(double)pair / HalfHead);
                Set(weights["k"], keyHead, pair, 0, 1);
                Set(weights["q"], head, pair, 0, Math.Cos(angle));
                Set(weights["q"], head, pair + HalfHead, 0, -Math.Sin(angle));
            }

            weights["v"][keyHead].narrow(0, 0, BackDims).copy_(OwnReader(BackDims));
            for (int dim = 0; dim < BackDims; dim++)
            {
                Set(weights["o"], FirstDim(back) + dim, head, dim, EmbeddingDeviation / 1.2);
            }
        }
    }

    /// <summary>
    /// A KV head that scores a place by equal tokens: the one <c>Here</c> tokens back from the query against the one <c>There</c>
    /// tokens back from the key, each pair with its share of the dimensions. It passes on the token found.
    /// </summary>
    private void Match(IReadOnlyDictionary<string, Tensor> weights, int keyHead, (int Here, int There)[] pairs)
    {
        int group = shape.QueryHeadCount / shape.KeyValueHeadCount;
        weights["q"].narrow(0, keyHead * group, group).mul_(0.02);
        weights["k"][keyHead].mul_(0.02);
        Tensor own = OwnReader(BackDims);
        for (int i = 0; i < 2 * SlowPairs; i++)
        {
            int dim = HalfHead - SlowPairs + (i % SlowPairs) + (i / SlowPairs * HalfHead);
            (int here, int there) = pairs[i % pairs.Length];
            Set(weights["k"], keyHead, dim, FirstDim(there) + i, 1);
            for (int head = keyHead * group; head < (keyHead + 1) * group; head++)
            {
                if (here == 0)
                {
                    weights["q"][head][dim].copy_(own[i]);
                }
                else
                {
                    Set(weights["q"], head, dim, FirstDim(here) + i, 1);
                }
            }
        }

        Tensor reader = OwnReader(shape.HeadDim, seedOffset: 1);
        weights["v"][keyHead].copy_(reader);
        for (int head = keyHead * group; head < (keyHead + 1) * group; head++)
        {
            weights["o"].select(1, head).copy_(3 * EmbeddingDeviation * reader.t());
        }
    }

    /// <summary>First dimension of what stands some tokens back.</summary>
    private int FirstDim(int back) => 1 + OwnDims + ((back - 1) * BackDims);

    /// <summary>[count, hidden]: orthonormal directions of the token's own embedding; the same for every call with the same offset.</summary>
    private Tensor OwnReader(int count, int seedOffset = 0)
    {
        using Generator fixedDirections = new((ulong)(97 + seedOffset));
        (Tensor q, _) = linalg.qr(randn([OwnDims, count], generator: fixedDirections));
        Tensor reader = zeros(count, shape.HiddenSize);
        reader.narrow(1, 1, OwnDims).copy_(q.t());
        return reader;
    }

    private static void Set(Tensor tensor, int first, int second, int third, double value) => tensor[first, second, third] = (float)value;
}
