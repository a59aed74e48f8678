namespace MixKVQ.AgentConnector.Tests.Cache.Cuda;

/// <summary>Kinds of keys and values that a page may have to hold.</summary>
public enum TailData
{
    /// <summary>Normal, each channel with a spread and an offset of its own.</summary>
    Usual,

    /// <summary>Every fourth channel and every fourth token is constant, one block is zero.</summary>
    Constant,

    /// <summary>Few elements are thousands of times as large as the others.</summary>
    Outliers,

    /// <summary>All channels of all blocks alike, so that all steps up of a kind are worth the same.</summary>
    Ties,

    /// <summary>Near the smallest numbers of the type.</summary>
    Tiny,

    /// <summary>Zeros of both signs among small integers.</summary>
    SignedZeros,
}
