using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Constraints;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Benchmarks.Constraints;

/// <summary>
/// Prints what constraints cost a token: <c>constraints FOLDER-WITH-TOKENIZER [SCHEMA-FILE…]</c>. A file holds one JSON schema, or
/// one object with a "function" list a line, of which every twentieth is taken. The clock runs over accepting a token and
/// restricting the next logits. "cold" is the first time on a schema, "warm" the same texts again.
/// </summary>
internal static class ConstraintReport
{
    private const int Runs = 20;

    private const int TokenLimit = 200;

    private static readonly (string Name, string Schema)[] Schemas =
    [
        ("weather call", """{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":14},"unit":{"enum":["celsius","fahrenheit"]}},"required":["city","unit"]}"""),
        ("order", """{"type":"object","properties":{"id":{"type":"string","format":"uuid"},"placed":{"type":"string","format":"date-time"},"customer":{"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":80},"email":{"type":"string","format":"email"},"phone":{"type":"string","pattern":"^\\+?[0-9 -]{6,20}$"}},"required":["name","email"],"additionalProperties":false},"lines":{"type":"array","minItems":1,"maxItems":20,"items":{"type":"object","properties":{"sku":{"type":"string","pattern":"^[A-Z]{3}-[0-9]{4}$"},"count":{"type":"integer","minimum":1,"maximum":999},"price":{"type":"number","minimum":0,"multipleOf":0.01},"note":{"type":["string","null"],"maxLength":140}},"required":["sku","count","price"],"additionalProperties":false}}},"required":["id","placed","customer","lines"],"additionalProperties":false}"""),
        ("recursive tree", """{"$defs":{"node":{"type":"object","properties":{"label":{"type":"string"},"children":{"type":"array","items":{"$ref":"#/$defs/node"}},"kind":{"anyOf":[{"const":"leaf"},{"const":"branch"},{"type":"null"}]}},"required":["label","children"],"additionalProperties":false}},"$ref":"#/$defs/node"}"""),
        ("open object", """{"type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":{"type":["string","number"]}}"""),
        ("any JSON", "true"),
        ("long text", """{"type":"object","properties":{"summary":{"type":"string","maxLength":2000},"tags":{"type":"array","items":{"type":"string","minLength":2,"maxLength":30}}},"required":["summary","tags"]}"""),
    ];

    public static void Run(string[] args)
    {
        ModelTokenizer tokenizer = ModelTokenizer.Load(args[0]);
        long start = Stopwatch.GetTimestamp();
        var vocabulary = new TokenVocabulary(tokenizer);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"vocabulary of {vocabulary.Size} ids: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms"));
        Measure("(code warm-up)", [Schemas[0].Schema], vocabulary, prints: false);
        Console.WriteLine($"{"schema",-24} {"compile ms",10}   {"cold µs: mean",13} {"p99",9} {"max",9}   {"warm µs: mean",13} {"p99",9} {"max",9} {"tokens",7}");
        foreach ((string name, string schema) in Schemas)
        {
            Measure(name, [schema], vocabulary, prints: true);
        }

        foreach (string file in args.Skip(1))
        {
            Measure(Path.GetFileNameWithoutExtension(file), ReadSchemas(file), vocabulary, prints: true);
        }
    }

    private static List<string> ReadSchemas(string file)
    {
        var schemas = new List<string>();
        int index = 0;
        foreach (string line in File.ReadLines(file).Where(line => line.Length > 0))
        {
            foreach (JsonNode? function in JsonNode.Parse(line)?["function"]?.AsArray() ?? [])
            {
                if (index++ % 20 == 0)
                {
                    schemas.Add(function!["parameters"]!.ToJsonString().Replace("\"dict\"", "\"object\"", StringComparison.Ordinal)
                        .Replace("\"float\"", "\"number\"", StringComparison.Ordinal).Replace("\"tuple\"", "\"array\"", StringComparison.Ordinal));
                }
            }
        }

        return schemas.Count > 0 ? schemas : [File.ReadAllText(file)];
    }

    private static void Measure(string name, IReadOnlyList<string> schemas, TokenVocabulary vocabulary, bool prints)
    {
        var cold = new List<double>();
        var warm = new List<double>();
        double compile = 0;
        foreach (string schema in schemas)
        {
            long start = Stopwatch.GetTimestamp();
            var constraint = TokenConstraint.Compile(Grammar.JsonSchema(JsonNode.Parse(schema)!), vocabulary);
            compile += Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            for (int run = 0; run < (schemas.Count == 1 ? Runs : 1); run++)
            {
                List<int> tokens = Generate(constraint, new Random(run));
                cold.AddRange(Replay(TokenConstraint.Compile(Grammar.JsonSchema(JsonNode.Parse(schema)!), vocabulary), tokens));
                warm.AddRange(Replay(constraint, tokens));
            }
        }

        cold.Sort();
        warm.Sort();
        if (prints)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-24} {compile / schemas.Count,10:F2}   {cold.Average(),13:F1} {At(cold, 0.99),9:F0} {cold[^1],9:F0}   {warm.Average(),13:F1} {At(warm, 0.99),9:F0} {warm[^1],9:F0} {warm.Count,7}"));
        }
    }

    private static double At(List<double> sorted, double part) => sorted[(int)(part * (sorted.Count - 1))];

    /// <summary>A text as a model might write it: strings of some words, then the shortest way on.</summary>
    private static List<int> Generate(TokenConstraint constraint, Random random)
    {
        ConstraintCursor cursor = constraint.Start();
        var logits = new float[constraint.Vocabulary.Size];
        var tokens = new List<int>();
        for (int left = TokenLimit; !cursor.MustEnd; left--)
        {
            if (cursor.ShortestCompletionTokens + cursor.LargestStep >= left)
            {
                cursor.Close();
            }

            for (int id = 0; id < logits.Length; id++)
            {
                // Quotes and structure get their chance beside the many words.
                bool isStructure = constraint.Vocabulary.BytesOf(id).Span is [(byte)'"' or (byte)'}' or (byte)']' or (byte)',', ..];
                logits[id] = random.NextSingle() + (isStructure && random.Next(4) == 0 ? 0.2f : 0);
            }

            cursor.Restrict(logits);
            int best = 0;
            for (int id = 1; id < logits.Length; id++)
            {
                best = logits[id] > logits[best] ? id : best;
            }

            cursor.TryAccept(best);
            tokens.Add(best);
        }

        return tokens;
    }

    private static List<double> Replay(TokenConstraint constraint, List<int> tokens)
    {
        ConstraintCursor cursor = constraint.Start();
        var logits = new float[constraint.Vocabulary.Size];
        cursor.Restrict(logits);
        var times = new List<double>(tokens.Count);
        foreach (int token in tokens)
        {
            long start = Stopwatch.GetTimestamp();
            cursor.TryAccept(token);
            cursor.Restrict(logits);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        return times;
    }
}
