using MixKVQ.AgentConnector.Models;

namespace MixKVQ.AgentConnector.Generation;

/// <summary>Decodes several conversations of one model together.</summary>
/// <param name="model">Borrowed.</param>
internal sealed class DecoderBatch(DecoderModel model) : ISequenceBatch
{
    // The pass over the weights pays for itself long before; each sequence has a row of logits, and a newcomer waits for the round.
    private const int MostOnCpu = 16;
    private const int MostOnDevice = 64;

    private DecodeInput[] _inputs = [];

    /// <inheritdoc/>
    public int MostSequences => model.Kernels is null ? MostOnCpu : MostOnDevice;

    /// <inheritdoc/>
    public void Append(ReadOnlySpan<SequenceToken> tokens, Span<Exception?> failures)
    {
        if (_inputs.Length < tokens.Length)
        {
            _inputs = new DecodeInput[tokens.Length];
        }

        for (int i = 0; i < tokens.Length; i++)
        {
            _inputs[i] = new DecodeInput(tokens[i].Token, ((DecoderSequence)tokens[i].Sequence).Cache, tokens[i].Logits);
        }

        model.Decode(_inputs.AsSpan(0, tokens.Length), failures);
        Array.Clear(_inputs);
    }
}
