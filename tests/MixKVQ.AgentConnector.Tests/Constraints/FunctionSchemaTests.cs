using System.Text.Json;
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Constraints;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Constraints;

/// <summary>The function schemas of the Berkeley Function-Calling Leaderboard, read in place.</summary>
public class FunctionSchemaTests
{
    private static readonly string[] Files = ["BFCL_v4_simple_python.json", "BFCL_v4_multiple.json", "BFCL_v4_parallel.json"];

    [Fact]
    public void EveryBfclFunction_CompilesAndItsArgumentsValidate()
    {
        int count = 0;
        foreach (JsonNode schema in Schemas())
        {
            TokenConstraint constraint = ConstraintRun.Compile(schema.ToJsonString());
            SchemaVerdict.Check(schema.ToJsonString(), ConstraintRun.Generate(constraint, new Random(count), limit: 40 + (count % 5 * 60)));
            count++;
        }

        Assert.True(count > 1000, $"Only {count} functions were found.");
    }

    [Fact]
    public void EveryTenthBfclFunction_ValidatesWithQwensTokens()
    {
        var vocabulary = new TokenVocabulary(ModelTokenizer.Load(Fixtures.Shared("tokenizers", "qwen2.5")));
        int count = 0;
        foreach (JsonNode schema in Schemas().Where((_, index) => index % 10 == 0))
        {
            SchemaVerdict.Check(schema.ToJsonString(), ConstraintRun.Generate(ConstraintRun.Compile(schema.ToJsonString(), vocabulary), new Random(count++), limit: 60));
        }
    }

    /// <summary>The parameters of all functions, in JSON Schema's words, each once.</summary>
    internal static IEnumerable<JsonNode> Schemas()
    {
        var known = new HashSet<string>();
        foreach (string file in Files)
        {
            foreach (string line in File.ReadLines(Fixtures.Shared("datasets", file)).Where(line => line.Length > 0))
            {
                foreach (JsonNode? function in JsonNode.Parse(line)!["function"]!.AsArray())
                {
                    JsonNode schema = function!["parameters"]!.DeepClone();
                    Translate(schema);
                    if (known.Add(schema.ToJsonString()))
                    {
                        yield return schema;
                    }
                }
            }
        }
    }

    /// <summary>Replaces the data's names of types as its own harness does.</summary>
    private static void Translate(JsonNode? node)
    {
        if (node is JsonArray list)
        {
            foreach (JsonNode? item in list)
            {
                Translate(item);
            }
        }
        else if (node is JsonObject schema)
        {
            if (schema["type"] is JsonValue type && type.GetValueKind() == JsonValueKind.String)
            {
                string name = type.GetValue<string>();
                if (name == "any")
                {
                    schema.Remove("type");
                }
                else
                {
                    schema["type"] = name switch { "dict" => "object", "float" => "number", "tuple" => "array", _ => name };
                }
            }

            foreach ((_, JsonNode? member) in schema)
            {
                Translate(member);
            }
        }
    }
}
