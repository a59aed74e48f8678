using System.Text;
using MixKVQ.AgentConnector.Constraints;
using MixKVQ.AgentConnector.Tokens;
using MixKVQ.AgentConnector.Tokens.PreTokenization;

namespace MixKVQ.AgentConnector.Tests.Constraints;

/// <summary>
/// A vocabulary of all bytes, of tokens that JSON's structure runs across, and of parts of characters, with two added tokens,
/// one of which is spelled like ordinary text.
/// </summary>
internal static class JsonTokens
{
    private static readonly string[] Texts =
    [
        "{\"", "\"}", "\":", "\": ", "\":\"", "\",\"", "\", \"", "[\"", "\"]", "},", "},{", "}]", "]}", "[]", "{}", "\"\"", "\",", "\":{\"", "\":[", "{ ", " }",
        "\n  ", "\n    ", "  ", ",\n", "{\n", "{\n  \"", ", ", ": ", "ab", "abc", "a\"", "b\":", "a\":1", "a\":1,\"", "\":1,\"a\":", "true", "false", "null", "tr", "ue", "fa", "10", "00", "0.", ".5", "1,", "12",
        "-1", "1}", "1]", "1,\"", "aa", "aaa", "aaaa", "a\\", "\\\"", "\\\\", "\\n", "\\u", "\\u00", "\\ud", "é", "é\"", "日", "日本", "語", "😀", "a😀", "x\ny", "2024-", "-01", "T00:00", "id", "name", "name\"", "value", "red", "green", "blue",
    ];

    public static ModelTokenizer Tokenizer { get; } = Create();

    public static TokenVocabulary Vocabulary { get; } = new(Tokenizer);

    public static int CallToken => Tokenizer.FindAddedToken("<call>")!.Value;

    public static int ColonToken => Tokenizer.FindAddedToken("\":[1")!.Value;

    private static ModelTokenizer Create()
    {
        var vocabulary = new Dictionary<string, int>();
        for (int value = 0; value < 256; value++)
        {
            vocabulary.Add(Spell([(byte)value]), vocabulary.Count);
        }

        foreach (string text in Texts)
        {
            vocabulary.TryAdd(Spell(Encoding.UTF8.GetBytes(text)), vocabulary.Count);
        }

        // Parts of characters: the end of one and the beginning of the next, and a beginning with two bytes.
        foreach (byte[] bytes in new byte[][] { [0xE6, 0x97], [0xF0, 0x9F], [0xA5, (byte)'"'], [0x97, 0xA5], [0xA9, 0xC3], [0xED, 0xA0], [0xE0, 0x80], [(byte)'a', 0xC3], [(byte)'"', 0xC3] })
        {
            vocabulary.Add(Spell(bytes), vocabulary.Count);
        }

        int first = vocabulary.Count;
        return new ModelTokenizer(
            new TokenizerDefinition
            {
                Source = "tokens of a test",
                Vocabulary = vocabulary,
                Merges = [],
                AddedTokens = [new AddedToken(first, "<call>") { IsSpecial = true }, new AddedToken(first + 1, "\":[1")],
                PreTokenizer = new SequencePreTokenizer([]),
            },
            bosToken: null,
            eosToken: null);
    }

    private static string Spell(byte[] bytes) => string.Concat(bytes.Select(value => ByteAlphabet.ToCharacter(value)));
}
