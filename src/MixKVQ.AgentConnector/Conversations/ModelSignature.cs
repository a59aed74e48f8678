namespace MixKVQ.AgentConnector.Conversations;

/// <summary>What a saved cache must have in common with a model to be read by it, word for word. Immutable.</summary>
/// <param name="Model">A fingerprint of the checkpoint and its tokenizer.</param>
/// <param name="Rope">The parameters of its rotary embeddings.</param>
/// <param name="Cache">Shapes, number type, policy and layout of its cache.</param>
internal sealed record ModelSignature(string Model, string Rope, string Cache)
{
    /// <summary>Why a cache saved under <paramref name="saved"/> cannot be read by this model; null where it can.</summary>
    public string? DifferenceFrom(ModelSignature saved) =>
        saved.Model != Model ? $"it was saved by another model (fingerprint {saved.Model}, the loaded one has {Model})"
        : saved.Rope != Rope ? $"it was saved with other rotary embeddings ({saved.Rope}, the loaded model has {Rope})"
        : saved.Cache != Cache ? $"it was saved with another cache ({saved.Cache}, the loaded model has {Cache})"
        : null;
}
