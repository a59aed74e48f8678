namespace MixKVQ.AgentConnector.Benchmarks.Measuring;

/// <summary>A model with one conversation, which is given its tokens.</summary>
internal interface ITokenDecoder : IDisposable
{
    /// <summary>Reads the tokens that every later round goes on from; once.</summary>
    void Read(ReadOnlySpan<int> tokens);

    /// <summary>Takes one token more.</summary>
    /// <returns>The logits of the next, [vocabulary]; valid until the next call.</returns>
    ReadOnlySpan<float> Decode(int token);

    /// <summary>Forgets what was decoded since <see cref="Read"/>.</summary>
    void Rewind();
}
