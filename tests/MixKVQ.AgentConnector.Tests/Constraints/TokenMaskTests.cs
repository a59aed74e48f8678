using System.Text;
using MixKVQ.AgentConnector.Constraints;

namespace MixKVQ.AgentConnector.Tests.Constraints;

public class TokenMaskTests
{
    public static TheoryData<string> Schemas => new(
        "true",
        """{"type":"object"}""",
        """{"type":"string"}""",
        """{"type":"string","minLength":2,"maxLength":5}""",
        """{"type":"string","maxLength":1}""",
        """{"type":"string","pattern":"^a+[éb]*$"}""",
        """{"type":"string","pattern":"日|\"x"}""",
        """{"enum":["ab","abc",1,null,true,{"a":1},[1,"a"]]}""",
        """{"type":"number","minimum":-3.5,"maximum":12}""",
        """{"type":"integer","multipleOf":4,"minimum":0}""",
        """{"type":"object","properties":{"a":{"type":"integer"},"ab":{"type":"string"},"name":{"type":"boolean"}},"required":["a"]}""",
        """{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"integer"}}""",
        """{"type":"object","patternProperties":{"^a+$":{"type":"integer"},"^[bé]{1,2}$":{"type":"null"}}}""",
        """{"type":"object","propertyNames":{"enum":["a","ab","abc"]},"minProperties":2,"additionalProperties":true}""",
        """{"type":"object","minProperties":1,"maxProperties":2}""",
        """{"type":"array","items":{"type":"array","items":{"enum":[1,"a"]}},"maxItems":3,"minItems":1}""",
        """{"type":"array","prefixItems":[{"type":"null"},{"type":"string","minLength":1}],"items":{"$ref":"#"}}""",
        """{"anyOf":[{"type":"string","pattern":"^ab*$"},{"type":"string","maxLength":2},{"type":"object","properties":{"a":{"$ref":"#"}}}]}""");

    [Theory]
    [MemberData(nameof(Schemas))]
    public void AllowedTokens_AreExactlyThoseWhoseBytesAreAccepted(string schema)
    {
        TokenConstraint constraint = ConstraintRun.Compile(schema);
        for (int seed = 0; seed < 12; seed++)
        {
            Walk(constraint, new Random(seed), closeAt: seed % 3 == 2 ? 12 : int.MaxValue);
        }
    }

    /// <summary>Compares all tokens with the bytes' verdict at each position of a random walk.</summary>
    private static void Walk(TokenConstraint constraint, Random random, int closeAt)
    {
        ConstraintCursor cursor = constraint.Start();
        var accepted = new List<int>();
        for (int step = 0; step < 40; step++)
        {
            if (step == closeAt)
            {
                cursor.Close();
            }

            var allowed = new List<int>();
            for (int token = 0; token < constraint.Vocabulary.Size; token++)
            {
                ConstraintCursor copy = Replay(constraint, accepted, step >= closeAt ? closeAt : int.MaxValue);
                bool isAccepted = copy.TryAccept(token);
                bool isInMask = (cursor.AllowedTokens[token >> 6] >> (token & 63) & 1) != 0;
                Assert.True(isAccepted == isInMask, $"After '{TextOf(constraint, accepted)}' the token '{Encoding.UTF8.GetString(constraint.Vocabulary.BytesOf(token).Span)}' is {(isInMask ? "in" : "not in")} the mask.");
                if (isAccepted)
                {
                    allowed.Add(token);
                    Assert.True(copy.ShortestCompletionTokens <= cursor.ShortestCompletionTokens + cursor.LargestStep, $"'{TextOf(constraint, [.. accepted, token])}' raises the completion by more than said.");
                    Assert.True(step < closeAt || copy.ShortestCompletionTokens < cursor.ShortestCompletionTokens);
                }
            }

            Assert.True(allowed.Count > 0 || cursor.IsComplete, $"'{TextOf(constraint, accepted)}' is a dead end.");
            if (allowed.Count == 0)
            {
                Assert.True(cursor.MustEnd);
                return;
            }

            int chosen = allowed[random.Next(allowed.Count)];
            Assert.True(cursor.TryAccept(chosen));
            accepted.Add(chosen);
        }
    }

    private static ConstraintCursor Replay(TokenConstraint constraint, List<int> tokens, int closeAt)
    {
        ConstraintCursor cursor = constraint.Start();
        for (int step = 0; step < tokens.Count; step++)
        {
            if (step == closeAt)
            {
                cursor.Close();
            }

            Assert.True(cursor.TryAccept(tokens[step]));
        }

        if (tokens.Count >= closeAt)
        {
            cursor.Close();
        }

        return cursor;
    }

    private static string TextOf(TokenConstraint constraint, IEnumerable<int> tokens) =>
        Encoding.UTF8.GetString([.. tokens.SelectMany(token => constraint.Vocabulary.BytesOf(token).ToArray())]);
}
