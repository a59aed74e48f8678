using CsCheck;
using Microsoft.ML.Tokenizers;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

public class BytePairMergerTests
{
    private static readonly Gen<(int Left, int Right)[]> Merges = Gen.Select(Gen.Int[0, 1000], Gen.Int[0, 1000]).Array[0, 12];

    /// <summary>The library's BPE is the oracle on random vocabularies over three letters.</summary>
    [Fact]
    public void RandomMerges_GiveTheLibrarysIds() =>
        Gen.Select(Merges, Gen.Char['a', 'c'].Array[0, 60]).Sample((choices, word) =>
        {
            List<string> tokens = ["a", "b", "c"];
            var texts = new List<string>();
            var merges = new List<(int, int, int)>();
            foreach ((int left, int right) in choices)
            {
                (int l, int r) = (left % tokens.Count, right % tokens.Count);
                string merged = tokens[l] + tokens[r];
                if (!texts.Contains($"{tokens[l]} {tokens[r]}"))
                {
                    texts.Add($"{tokens[l]} {tokens[r]}");
                    int id = tokens.IndexOf(merged);
                    merges.Add((l, r, id < 0 ? tokens.Count : id));
                    tokens = id < 0 ? [.. tokens, merged] : tokens;
                }
            }

            BpeTokenizer library = BpeTokenizer.Create(new BpeOptions(tokens.Select((token, id) => KeyValuePair.Create(token, id))) { Merges = texts, PreTokenizer = null });
            var ids = new List<int>();
            new BytePairMerger(merges).Merge([.. word.Select(letter => letter - 'a')], ids);
            Assert.Equal(library.EncodeToIds(new string(word), considerPreTokenization: false, considerNormalization: false), ids);
        });

    [Fact]
    public void LongWordsOfQwen_AreMadeOfTokensThatEncodeToThemselves()
    {
        ModelTokenizer qwen = SharedTokenizers.Qwen;
        Gen.Char['a', 'e'].Array[80, 200].Sample(
            word =>
            {
                int[] ids = qwen.EncodeText(new string(word));
                Assert.Equal(new string(word), qwen.Decode(ids));
                Assert.All(ids, id => Assert.Equal([id], qwen.EncodeText(qwen.Decode([id]))));
            },
            iter: 50);
    }
}
