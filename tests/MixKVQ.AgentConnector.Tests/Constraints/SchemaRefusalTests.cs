using System.Diagnostics.CodeAnalysis;
using System.Text;
using MixKVQ.AgentConnector.Constraints;

namespace MixKVQ.AgentConnector.Tests.Constraints;

public class SchemaRefusalTests
{
    [Fact]
    public void UnsupportedKeywords_AreAllNamedWithTheirPointers()
    {
        NotSupportedException fault = Refused("""{"type":"object","properties":{"a":{"not":{"type":"null"}},"b/c":{"type":"array","contains":{}}},"if":{},"dependentRequired":{}}""");
        Assert.Contains("#/properties/a/not", fault.Message, StringComparison.Ordinal);
        Assert.Contains("#/properties/b~1c/contains", fault.Message, StringComparison.Ordinal);
        Assert.Contains("#/if", fault.Message, StringComparison.Ordinal);
        Assert.Contains("#/dependentRequired", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"$ref":"#"}""", "refers to itself")]
    [InlineData("""{"anyOf":[{"$ref":"#"},{"type":"null"}]}""", "refers to itself")]
    [InlineData("""{"$ref":"https://example.org/x"}""", "#/$ref")]
    [InlineData("""{"$ref":"#/$defs/none"}""", "#/$ref")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""", "admits no text")]
    [InlineData("""{"type":"integer","minimum":1.2,"maximum":1.8}""", "admits no text")]
    [InlineData("""{"type":"string","minLength":3,"maxLength":2}""", "admits no text")]
    [InlineData("""{"allOf":[{"type":"string"},{"type":"integer"}]}""", "admits no text")]
    [InlineData("""{"enum":[]}""", "admits no text")]
    [InlineData("false", "admits no text")]
    [InlineData("""{"type":"object","required":["a"],"properties":{"a":false}}""", "admits no text")]
    [InlineData("""{"type":"array","minItems":100000,"items":{"type":"array","minItems":100000,"items":{"type":"string"}}}""", "admits no text")]
    [InlineData("""{"type":"text"}""", "#/type")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"number"}]}""", "#/oneOf")]
    [InlineData("""{"type":"string","pattern":"(?=a)b"}""", "#/pattern")]
    [InlineData("""{"type":"string","pattern":"("}""", "#/pattern")]
    [InlineData("""{"type":"array","uniqueItems":true,"items":{"type":"string"}}""", "#/uniqueItems")]
    [InlineData("""{"type":"array","items":5}""", "#/items")]
    [InlineData("""{"properties":[]}""", "#/properties")]
    [InlineData("""{"minLength":-1}""", "#/minLength")]
    [InlineData("""{"multipleOf":0}""", "#/multipleOf")]
    [InlineData("5", "is a Number")]
    public void WhatCannotBeKept_IsRefusedByName([StringSyntax("json")] string schema, string name) =>
        Assert.Contains(name, Refused(schema).Message, StringComparison.Ordinal);

    [Fact]
    public void HostileSchemas_AreRefused()
    {
        // Each anyOf doubles the cases.
        string doubling = string.Join(',', Enumerable.Range(0, 40).Select(index => $$"""{"anyOf":[{"minLength":{{index}}},{"maxLength":{{100 + index}}}]}"""));
        Assert.Contains("alternatives", Refused($$"""{"allOf":[{{doubling}}]}""").Message, StringComparison.Ordinal);

        var wide = new StringBuilder("{\"properties\":{");
        wide.AppendJoin(',', Enumerable.Range(0, 100_000).Select(index => $"\"p{index}\":{{}}")).Append("}}");
        Assert.Contains("elements", Refused(wide.ToString()).Message, StringComparison.Ordinal);

        string chain = string.Join(',', Enumerable.Range(0, 3000).Select(index => $$"""  "d{{index}}":{"allOf":[{"$ref":"#/$defs/d{{index + 1}}"},{"$ref":"#/$defs/d{{index + 1}}"}]}  """));
        Assert.Contains("#/$defs/d2999/allOf/0/$ref", Refused($$"""{"$ref":"#/$defs/d0","$defs":{ {{chain}} } }""").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"oneOf":[{"type":"string"},{"type":"object","properties":{"k":{"const":"a"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"b"}},"required":["k"]}]}""")]
    [InlineData("""{"type":"object","properties":{"x":{"type":"integer"}},"allOf":[{"properties":{"y":{"type":"integer"}},"required":["y"]},{"required":["x"]}]}""")]
    [InlineData("""{"type":"integer","minimum":0,"exclusiveMinimum":true,"maximum":3}""")]
    [InlineData("""{"title":"t","description":"d","default":5,"examples":[],"deprecated":true,"readOnly":true,"optional":1,"type":"string","format":"made-up","nullable":true}""")]
    [InlineData("""{"definitions":{"l":{"type":["object","null"],"properties":{"next":{"$ref":"#/definitions/l"}}}},"$ref":"#/definitions/l"}""")]
    public void CommonForms_AreTaken(string schema)
    {
        TokenConstraint constraint = ConstraintRun.Compile(schema);
        for (int seed = 0; seed < 10; seed++)
        {
            string text = ConstraintRun.Generate(constraint, new Random(seed), limit: 50);
            if (!schema.Contains("nullable", StringComparison.Ordinal) && !schema.Contains("true", StringComparison.Ordinal))
            {
                SchemaVerdict.Check(schema, text);
            }
        }
    }

    private static NotSupportedException Refused(string schema) => Assert.Throws<NotSupportedException>(() => ConstraintRun.Compile(schema));
}
