using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Constraints;

namespace MixKVQ.AgentConnector.Tests.Constraints;

/// <summary>
/// The schemas that Microsoft.Extensions.AI makes of .NET types. They bound no integer, so an int may overflow: 15 digits are written.
/// </summary>
public class ClrSchemaTests
{
    public enum Color
    {
        Red,
        Green,
        Blue,
    }

    [Theory]
    [InlineData(typeof(DateTime))]
    [InlineData(typeof(DateTimeOffset))]
    [InlineData(typeof(DateOnly))]
    [InlineData(typeof(TimeOnly))]
    [InlineData(typeof(TimeSpan))]
    [InlineData(typeof(Guid))]
    [InlineData(typeof(Uri))]
    [InlineData(typeof(char))]
    [InlineData(typeof(decimal))]
    [InlineData(typeof(long))]
    [InlineData(typeof(double?))]
    [InlineData(typeof(Color))]
    [InlineData(typeof(Color?))]
    [InlineData(typeof(string[]))]
    [InlineData(typeof(Dictionary<string, long>))]
    [InlineData(typeof(Dictionary<string, List<Color>>))]
    [InlineData(typeof(Person))]
    [InlineData(typeof(Tree))]
    [InlineData(typeof(object))]
    public void OutputForAType_DeserializesIntoIt(Type type)
    {
        JsonElement schema = AIJsonUtilities.CreateJsonSchema(type);
        TokenConstraint constraint = ConstraintRun.Compile(schema);
        for (int seed = 0; seed < 25; seed++)
        {
            string text = ConstraintRun.Generate(constraint, new Random(seed), limit: 120);
            try
            {
                JsonSerializer.Deserialize(text, type, AIJsonUtilities.DefaultOptions);
            }
            catch (JsonException fault)
            {
                Assert.Fail($"{text} of {schema.GetRawText()}: {fault.Message}");
            }
        }
    }

    [Fact]
    public void ArgumentsForAFunction_HaveAllThatIsRequired()
    {
        AIFunction function = AIFunctionFactory.Create((string city, [Description("days ahead")] int days, Color color = Color.Red, Person? who = null) => $"{city}{days}{color}{who}");
        TokenConstraint constraint = ConstraintRun.Compile(function.JsonSchema);
        for (int seed = 0; seed < 25; seed++)
        {
            using JsonDocument document = JsonDocument.Parse(ConstraintRun.Generate(constraint, new Random(seed), limit: 60));
            Assert.Equal(JsonValueKind.String, document.RootElement.GetProperty("city").ValueKind);
            Assert.True(document.RootElement.GetProperty("days").TryGetInt64(out _));
        }
    }

    internal sealed record Person(string Name, long? Age, DateTime Born, Guid Id, TimeSpan Shift, Color[] Likes, Dictionary<string, decimal> Accounts, Uri? Page);

    internal sealed record Tree(string Label, List<Tree> Children, Tree? Sibling);
}
