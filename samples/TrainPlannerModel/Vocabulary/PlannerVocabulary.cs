using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MixKVQ.AgentConnector.Tokens;
using TrainPlannerModel.World;

namespace TrainPlannerModel.Vocabulary;

/// <summary>
/// Builds the planner's byte-level BPE vocabulary, in which everything that is copied is one token: each number of up to three
/// digits, each name. Ordinary words carry the space before them; names do not, so that a name is the same token in JSON and in prose.
/// </summary>
internal static partial class PlannerVocabulary
{
    /// <summary>The added tokens, in id order behind the BPE vocabulary; the first three are special.</summary>
    public static readonly string[] AddedTokens =
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"];

    private const int SpecialCount = 3;
    private const string Space = "\u0120";

    /// <summary>The pre-tokenizer of Llama 3: words with one leading mark, numbers of up to three digits, marks, line ends.</summary>
    private const string SplitPattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The tokenizer.json of a vocabulary that holds every word of <paramref name="texts"/>.</summary>
    public static JsonObject Build(IEnumerable<string> texts)
    {
        (SortedSet<string> words, SortedSet<string> spaced) = CollectWords(texts);
        List<(string Left, string Right)> merges = LearnMerges(words);
        const string digits = "0123456789";
        merges.AddRange(from left in digits from right in digits select ($"{left}", $"{right}"));
        string[] pairs = [.. Enumerable.Range(0, 100).Select(number => number.ToString("00", CultureInfo.InvariantCulture))];
        merges.AddRange(from left in pairs from right in digits select (left, $"{right}"));
        merges.AddRange(from left in digits from right in pairs select ($"{left}", right));

        // A space joins last, and only to whole ordinary words: a name after a space stays the token it is elsewhere.
        merges.AddRange(spaced.Select(word => (Space, word)));
        return ToJson(merges);
    }

    private static (SortedSet<string> Words, SortedSet<string> Spaced) CollectWords(IEnumerable<string> texts)
    {
        SortedSet<string> words = new(Names.Copied, StringComparer.Ordinal);
        SortedSet<string> spaced = new(StringComparer.Ordinal);
        HashSet<string> copied = [.. Names.Copied];
        Regex added = new(string.Join('|', AddedTokens.Select(Regex.Escape)));
        foreach (string match in texts.SelectMany(text => added.Split(text)).SelectMany(text => SplitRegex().Matches(text)).Select(match => match.Value).ToHashSet())
        {
            bool hasSpace = match.Length > 1 && match[0] == ' ';
            string word = hasSpace ? match[1..] : match;
            if (word.Length > 1 && !char.IsLetterOrDigit(word[0]) && char.IsLetter(word[1]))
            {
                word = word[1..];
            }

            if (!char.IsDigit(word[0]))
            {
                words.Add(ByteLevel(word));
                if (hasSpace && !copied.Contains(word))
                {
                    spaced.Add(ByteLevel(word));
                }
            }
        }

        return (words, spaced);
    }

    /// <summary>Byte-pair encoding on the words until each is one token; the most frequent pair first, ties in ordinal order.</summary>
    private static List<(string Left, string Right)> LearnMerges(SortedSet<string> words)
    {
        List<(string, string)> merges = [];
        List<List<string>> split = [.. words.Select(word => word.Select(unit => $"{unit}").ToList())];
        while (true)
        {
            Dictionary<(string, string), int> pairs = [];
            foreach (List<string> units in split)
            {
                for (int i = 1; i < units.Count; i++)
                {
                    (string, string) pair = (units[i - 1], units[i]);
                    pairs[pair] = pairs.GetValueOrDefault(pair) + 1;
                }
            }

            if (pairs.Count == 0)
            {
                return merges;
            }

            (string Left, string Right) best = pairs
                .OrderByDescending(pair => pair.Value)
                .ThenBy(pair => pair.Key.Item1, StringComparer.Ordinal)
                .ThenBy(pair => pair.Key.Item2, StringComparer.Ordinal)
                .First().Key;
            merges.Add(best);
            foreach (List<string> units in split)
            {
                for (int i = 1; i < units.Count; i++)
                {
                    if (units[i - 1] == best.Left && units[i] == best.Right)
                    {
                        units[i - 1] += units[i];
                        units.RemoveAt(i);
                    }
                }
            }
        }
    }

    private static JsonObject ToJson(List<(string Left, string Right)> merges)
    {
        JsonObject vocabulary = [];
        foreach (string unit in Enumerable.Range(0, 256).Select(value => $"{ByteAlphabet.ToCharacter((byte)value)}").Order(StringComparer.Ordinal).Concat(merges.Select(merge => merge.Left + merge.Right)))
        {
            vocabulary.TryAdd(unit, vocabulary.Count);
        }

        JsonArray added = [];
        foreach (string token in AddedTokens)
        {
            added.Add(new JsonObject
            {
                ["id"] = vocabulary.Count + added.Count,
                ["content"] = token,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                ["special"] = added.Count < SpecialCount,
            });
        }

        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = added,
            ["normalizer"] = new JsonObject { ["type"] = "NFC" },
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = SplitPattern }, ["behavior"] = "Isolated", ["invert"] = false },
                    new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false }),
            },
            ["post_processor"] = null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = true, ["use_regex"] = true },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)new JsonArray(merge.Left, merge.Right))]),
            },
        };
    }

    private static string ByteLevel(string text) => string.Concat(Encoding.UTF8.GetBytes(text).Select(ByteAlphabet.ToCharacter));

    [GeneratedRegex(SplitPattern)]
    private static partial Regex SplitRegex();
}
