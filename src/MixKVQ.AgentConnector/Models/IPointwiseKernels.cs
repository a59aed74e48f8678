using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>The small operations of a decoder layer. Each computes in float32 and rounds its result once to the model's type.</summary>
internal interface IPointwiseKernels
{
    /// <summary>Root-mean-square norm of each row times a weight (arXiv 1910.07467).</summary>
    /// <param name="rows">[rows, width], model dtype, contiguous; borrowed.</param>
    /// <param name="weight">[width], float32; borrowed.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <returns>As <paramref name="rows"/>; the caller disposes it.</returns>
    Tensor RmsNorm(Tensor rows, Tensor weight, float epsilon);

    /// <summary>Norms each head, where a weight is given, and rotates its channel pairs (i, i + headDim / 2).</summary>
    /// <param name="heads">[tokens, heads, headDim], model dtype, contiguous but for the tokens' stride; may be overwritten: use the result only.</param>
    /// <param name="weight">[headDim], float32, or null for no norm; borrowed.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="rotation">[tokens, headDim], float32, contiguous: cosines, then sines; borrowed.</param>
    /// <returns>[tokens, heads, headDim], model dtype; possibly <paramref name="heads"/> itself.</returns>
    Tensor NormAndRotate(Tensor heads, Tensor? weight, float epsilon, Tensor rotation);

    /// <summary>SiLU of the first half of each row times the second half (SwiGLU, arXiv 2002.05202).</summary>
    /// <param name="gateAndUp">[rows, 2 · width], model dtype, contiguous; borrowed.</param>
    /// <returns>[rows, width], model dtype; the caller disposes it.</returns>
    Tensor SiluGate(Tensor gateAndUp);
}
