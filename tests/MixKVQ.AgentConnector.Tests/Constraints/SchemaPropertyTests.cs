using CsCheck;
using MixKVQ.AgentConnector.Constraints;

namespace MixKVQ.AgentConnector.Tests.Constraints;

public class SchemaPropertyTests
{
    private const int Schemas = 400;

    [Fact]
    public void OutputForRandomSchemasAndLogits_ParsesAndValidates()
    {
        int refused = 0;
        Gen.Select(SchemaGenerator.Schema, Gen.Int[0, int.MaxValue], Gen.Int[1, 120]).Sample(
            (schema, seed, limit) =>
            {
                string text = schema.ToJsonString();
                TokenConstraint constraint;
                try
                {
                    constraint = ConstraintRun.Compile(text);
                }
                catch (NotSupportedException)
                {
                    // Random schemas may contradict themselves.
                    Interlocked.Increment(ref refused);
                    return;
                }

                var random = new Random(seed);
                for (int run = 0; run < 3; run++)
                {
                    SchemaVerdict.Check(text, SchemaVerdict.WithoutClusters(ConstraintRun.Generate(constraint, random, limit * (run + 1))));
                }
            },
            iter: Schemas,
            threads: 1);
        Assert.InRange(refused, 0, Schemas / 2);
    }
}
