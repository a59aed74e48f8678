namespace MixKVQ.AgentConnector.Generation;

/// <summary>
/// A token sequence that a model has read: the model and one conversation's cache. Everything the engine knows of a model.
/// Not thread-safe; while a generation's next token is awaited, only the engine uses it.
/// </summary>
internal interface IModelSequence
{
    /// <summary>The length of a row of logits.</summary>
    int VocabularySize { get; }

    /// <summary>The tokens read so far.</summary>
    int TokenCount { get; }

    /// <summary>The most tokens that one <see cref="Append"/> may take now; at least 1.</summary>
    int TokensToPageBorder { get; }

    /// <summary>What reads single tokens for this and other sequences together, one object for all of them; null: this sequence is read alone.</summary>
    ISequenceBatch? Batch => null;

    /// <summary>Reads tokens. If it throws, the sequence is of no further use before <see cref="AbandonStep"/>.</summary>
    /// <param name="tokens">1 to <see cref="TokensToPageBorder"/> ids, each below <see cref="VocabularySize"/>; not kept.</param>
    /// <param name="lastLogits">Receives the last token's logits, [<see cref="VocabularySize"/>]; empty: they are not wanted.</param>
    void Append(ReadOnlyMemory<int> tokens, Span<float> lastLogits);

    /// <summary>Makes the sequence of use again after a step that threw: drops what came after a page border, of which it holds all, at <paramref name="maxTokens"/> at most.</summary>
    /// <returns>The tokens still read.</returns>
    int AbandonStep(int maxTokens);
}
