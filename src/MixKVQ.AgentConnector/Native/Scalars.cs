using TorchSharp;

namespace MixKVQ.AgentConnector.Native;

/// <summary>
/// Numbers as Torch scalars that live as long as the process.
/// <para>
/// TorchSharp turns a number argument into a <see cref="Scalar"/> that nothing holds during the native call: a garbage collection at that moment frees it, and libtorch reads
/// freed memory ("Expected false to be true"). That includes <c>a + b</c> of two tensors, whose factor of 1 is such a scalar, and <c>square()</c>, whose exponent is.
/// Under constant collections one addition in 50,000 failed. So: pass scalars that are held, and add with <c>a.add(b, Scalars.One)</c>.
/// </para>
/// </summary>
internal static class Scalars
{
    /// <summary>1: the factor of sums.</summary>
    public static readonly Scalar One = 1f;

    /// <summary>1/2.</summary>
    public static readonly Scalar Half = 0.5f;

    /// <summary>−∞: the logit of what a query must not see.</summary>
    public static readonly Scalar NegativeInfinity = float.NegativeInfinity;
}
