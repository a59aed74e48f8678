namespace MixKVQ.AgentConnector.Generation;

/// <summary>One token for a sequence to read.</summary>
/// <param name="Sequence">Lent for the reading.</param>
/// <param name="Token">An id below the sequence's <see cref="IModelSequence.VocabularySize"/>.</param>
/// <param name="Logits">Receives what follows the token; as long as the sequence's vocabulary.</param>
internal readonly record struct SequenceToken(IModelSequence Sequence, int Token, Memory<float> Logits);
