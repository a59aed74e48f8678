namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>How llama.cpp holds elements of its cache.</summary>
internal enum GgmlType
{
    /// <summary>16 bit floats.</summary>
    F16 = 1,

    /// <summary>4 bit codes, one scale for 32: 4.5 bits an element.</summary>
    Q4_0 = 2,

    /// <summary>8 bit codes, one scale for 32: 8.5 bits an element.</summary>
    Q8_0 = 8,
}
