using MixKVQ.AgentConnector.Tokens.Normalization;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>The "normalizer" of tokenizer.json.</summary>
internal static class NormalizerSection
{
    public static ITextNormalizer? Read(JsonField? field) => field is not { } section ? null : section.Get("type").Text() switch
    {
        "NFC" => CanonicalNormalizer.Nfc,
        "NFD" => CanonicalNormalizer.Nfd,
        "Sequence" => new SequenceNormalizer([.. section.Get("normalizers").Items().Select(item => Read(item)!)]),
        var type => throw section.Fault($"is of type '{Excerpt.Of(type)}'; NFC, NFD and Sequence are supported"),
    };
}
