using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Makes a model's sequences and knows what memory they take. Safe for concurrent use.</summary>
internal interface ISequenceFactory
{
    /// <summary>What a saved sequence must have in common with this model to be read by it.</summary>
    ModelSignature Signature { get; }

    /// <summary>Bytes that all sequences hold together, each shared piece once.</summary>
    long HeldBytes { get; }

    /// <summary>The memory, now, of the device that all sequences are on; null where that is the process's own. Safe on any thread.</summary>
    DeviceMemory? DeviceMemory => null;

    /// <summary>Frees memory that is kept for further sequences.</summary>
    void Trim();

    /// <summary>An empty sequence; the caller owns it.</summary>
    IConversationSequence Create();

    /// <summary>The most bytes that a sequence comes to hold of its own that shares its first tokens with another and grows.</summary>
    /// <param name="sharedTokens">The tokens shared; 0 for an empty sequence.</param>
    /// <param name="tokens">The tokens held in the end.</param>
    long BytesToHold(int sharedTokens, int tokens);

    /// <summary>A page of bytes that a sequence of this model once held, checked as bytes from a stranger are; the caller owns the reference.</summary>
    /// <exception cref="InvalidDataException">They are no page of this model.</exception>
    Page ReadPage(ReadOnlySpan<byte> slab);

    /// <summary>The sequence that <paramref name="image"/>, which is taken over, was made of; the caller owns it.</summary>
    /// <exception cref="InvalidDataException">It is no image of a sequence of this model.</exception>
    IConversationSequence Import(CacheImage image);
}
