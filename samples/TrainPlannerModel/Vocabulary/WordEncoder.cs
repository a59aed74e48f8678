using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace TrainPlannerModel.Vocabulary;

internal sealed class WordEncoder
{
    private readonly Dictionary<string, int> _vocab = [];
    private readonly Dictionary<(string, string), int> _ranks = [];
    private readonly Dictionary<string, int> _added = [];
    private readonly Dictionary<string, int[]> _cache = [];
    private readonly Regex _addedRegex;
    private readonly Regex _split;

    public WordEncoder(JsonObject json)
    {
        foreach (var (k, v) in json["model"]!["vocab"]!.AsObject()) { _vocab[k] = v!.GetValue<int>(); }
        int r = 0;
        foreach (var m in json["model"]!["merges"]!.AsArray()) { _ranks.TryAdd((m![0]!.GetValue<string>(), m[1]!.GetValue<string>()), r++); }
        foreach (var a in json["added_tokens"]!.AsArray()) { _added[a!["content"]!.GetValue<string>()] = a["id"]!.GetValue<int>(); }
        _addedRegex = new Regex("(" + string.Join('|', _added.Keys.Select(Regex.Escape)) + ")", RegexOptions.Compiled);
        _split = new Regex(json["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"]!.GetValue<string>(), RegexOptions.Compiled);
    }

    public int Size => _vocab.Count + _added.Count;

    public int Added(string t) => _added[t];

    public void Encode(string text, List<int> ids)
    {
        foreach (string part in _addedRegex.Split(text))
        {
            if (_added.TryGetValue(part, out int id)) { ids.Add(id); continue; }
            foreach (ValueMatch m in _split.EnumerateMatches(part))
            {
                string w = part.Substring(m.Index, m.Length);
                if (!_cache.TryGetValue(w, out int[]? e)) { _cache[w] = e = Word(w); }
                ids.AddRange(e);
            }
        }
    }

    private int[] Word(string w)
    {
        List<string> u = [.. w.Select(c => c == ' ' ? "\u0120" : c == '\n' ? "\u010a" : $"{c}")];
        while (u.Count > 1)
        {
            int best = int.MaxValue, at = -1;
            for (int i = 1; i < u.Count; i++) { if (_ranks.TryGetValue((u[i - 1], u[i]), out int r) && r < best) { best = r; at = i; } }
            if (at < 0) { break; }
            u[at - 1] += u[at]; u.RemoveAt(at);
        }
        return [.. u.Select(x => _vocab[x])];
    }
}
