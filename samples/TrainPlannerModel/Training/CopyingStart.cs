using TorchSharp;
using static TorchSharp.torch;

namespace TrainPlannerModel.Training;

/// <summary>
/// A start that copies: in the first layer one KV head looks one and two tokens back, in the second and third one KV head looks for
/// the place that followed the same token, or the same two, and passes on what stood there (induction heads, arXiv 2209.11895).
/// From random weights a model of this size spends millions of tokens before it finds this circuit.
/// </summary>
/// <remarks>
/// The hidden space starts out divided: a constant, the token's own embedding, and what the first layer writes of the last token and
/// of the one before. Training is free to change all of it.
/// </remarks>
internal sealed class CopyingStart(PlannerShape shape, Generator generator)
{
    private const double EmbeddingDeviation = 0.05;
    private const double Constant = 4;
    private const int BackDims = 48;

    /// <summary>Rotation pairs that turn so slowly that a match counts alike at any distance of the context.</summary>
    private const int SlowPairs = 12;

    /// <summary>Rotation pairs fast enough to tell neighbouring positions apart.</summary>
    private const int FastPairs = 8;

    private int OwnDims => shape.HiddenSize - 1 - (2 * BackDims);

    private int FirstBack => 1 + OwnDims;

    private int SecondBack => FirstBack + BackDims;

    private int HalfHead => shape.HeadDim / 2;

    /// <summary>Token embeddings, [vocabulary, hidden].</summary>
    public Tensor Embedding()
    {
        Tensor embedding = zeros(shape.VocabularySize, shape.HiddenSize);
        embedding.narrow(1, 0, 1).fill_(Constant * EmbeddingDeviation);
        embedding.narrow(1, 1, OwnDims).copy_(EmbeddingDeviation * randn([shape.VocabularySize, OwnDims], generator: generator));
        return embedding;
    }

    /// <summary>Writes the circuit over the first KV head, and its first two query heads, of the first three layers.</summary>
    /// <param name="weights">The projections by name: q [heads, headDim, hidden], k and v [kvHeads, headDim, hidden], o [hidden, heads, headDim]; changed in place.</param>
    public void Write(int layer, IReadOnlyDictionary<string, Tensor> weights)
    {
        if (layer > 2)
        {
            return;
        }

        foreach (string name in (string[])["q", "k", "v"])
        {
            weights[name].narrow(0, 0, name == "q" ? 2 : 1).mul_(0.02);
        }

        if (layer == 0)
        {
            LookBack(weights);
        }
        else
        {
            Match(weights, tokensMatched: layer);
        }
    }

    private void LookBack(IReadOnlyDictionary<string, Tensor> weights)
    {
        for (int pair = 0; pair < FastPairs; pair++)
        {
            double frequency = Math.Pow(shape.RopeTheta, -(double)pair / HalfHead);
            Set(weights["k"], 0, pair, 0, 1);
            for (int head = 0; head < 2; head++)
            {
                int back = head + 1;
                Set(weights["q"], head, pair, 0, Math.Cos(frequency * back));
                Set(weights["q"], head, pair + HalfHead, 0, -Math.Sin(frequency * back));
            }
        }

        weights["v"][0].narrow(0, 0, BackDims).copy_(OwnReader(BackDims));
        for (int dim = 0; dim < BackDims; dim++)
        {
            Set(weights["o"], FirstBack + dim, 0, dim, EmbeddingDeviation / 1.2);
            Set(weights["o"], SecondBack + dim, 1, dim, EmbeddingDeviation / 1.2);
        }
    }

    /// <summary>The key is what came before, the query what is here; with two tokens matched, half the dimensions go to each.</summary>
    private void Match(IReadOnlyDictionary<string, Tensor> weights, int tokensMatched)
    {
        Tensor own = OwnReader(BackDims);
        for (int i = 0; i < 2 * SlowPairs; i++)
        {
            int dim = HalfHead - SlowPairs + (i % SlowPairs) + (i / SlowPairs * HalfHead);
            bool second = tokensMatched == 2 && i % 2 == 1;
            Set(weights["k"], 0, dim, (second ? SecondBack : FirstBack) + i, 1);
            for (int head = 0; head < 2; head++)
            {
                if (second)
                {
                    Set(weights["q"], head, dim, FirstBack + i, 1);
                }
                else
                {
                    weights["q"][head][dim].copy_(own[i]);
                }
            }
        }

        Tensor reader = OwnReader(shape.HeadDim, seedOffset: 1);
        weights["v"][0].copy_(reader);
        weights["o"].select(1, 0).copy_(3 * EmbeddingDeviation * reader.t());
    }

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
