namespace MixKVQ.AgentConnector.Models;

/// <summary>Takes decode steps: one token of each of several conversations through the model. One batch at a time.</summary>
internal interface IDecoder
{
    /// <summary>Runs a batch, see <see cref="DecoderModel.Decode"/>; token ids are checked.</summary>
    void Run(ReadOnlySpan<DecodeInput> inputs, Span<Exception?> failures);
}
