namespace MixKVQ.AgentConnector.Sampling;

/// <summary>
/// Says which tokens one generation may take next. The sampler asks it before each token and tells it of each; never two
/// calls at a time. Not thread-safe.
/// </summary>
internal interface ITokenGuide
{
    /// <summary>
    /// Sets the logits of the tokens that may not come next to negative infinity, and leaves at least one. May raise the logit of a
    /// token that must come. Called after penalties and biases.
    /// </summary>
    /// <param name="logits">[vocabulary]; mutated.</param>
    void Restrict(Span<float> logits);

    /// <summary>Takes note of the token that was chosen.</summary>
    void Accept(int token);
}
