using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Constraints;

namespace MixKVQ.AgentConnector.Tests.Constraints;

/// <summary>Generates texts under constraints from random logits, within a token limit.</summary>
internal static class ConstraintRun
{
    public static TokenConstraint Compile(string schema, TokenVocabulary? vocabulary = null) =>
        TokenConstraint.Compile(Grammar.JsonSchema(JsonNode.Parse(schema)!), vocabulary ?? JsonTokens.Vocabulary);

    public static TokenConstraint Compile(JsonElement schema, TokenVocabulary? vocabulary = null) =>
        TokenConstraint.Compile(Grammar.JsonSchema(schema), vocabulary ?? JsonTokens.Vocabulary);

    /// <summary>A complete text of at most so many tokens, or of the fewest where these are more.</summary>
    public static string Generate(TokenConstraint constraint, Random random, int limit)
    {
        ConstraintCursor cursor = constraint.Start();
        limit = Math.Max(limit, cursor.ShortestCompletionTokens);
        var bytes = new List<byte>();
        var logits = new float[constraint.Vocabulary.Size + 7];
        for (int left = limit; ; left--)
        {
            if (cursor.ShortestCompletionTokens + cursor.LargestStep >= left)
            {
                cursor.Close();
            }

            if (cursor.MustEnd || (cursor.IsComplete && random.Next(4) == 0))
            {
                return Encoding.UTF8.GetString([.. bytes]);
            }

            Assert.True(left > 0, $"The limit of {limit} tokens is spent: {Encoding.UTF8.GetString([.. bytes])}");
            int token = Choose(cursor, random, logits);
            Assert.True(cursor.TryAccept(token), $"Token {token} is in the mask but not accepted after: {Encoding.UTF8.GetString([.. bytes])}");
            bytes.AddRange(constraint.Vocabulary.BytesOf(token).Span);
        }
    }

    /// <summary>The token with the highest random logit. Every fourth time short tokens are rated up, else long ones would win everywhere.</summary>
    private static int Choose(ConstraintCursor cursor, Random random, float[] logits)
    {
        bool prefersBytes = random.Next(4) == 0;
        for (int id = 0; id < logits.Length; id++)
        {
            logits[id] = random.NextSingle() + (prefersBytes && id is >= 0x20 and < 0x7F ? 1 : 0);
        }

        cursor.Restrict(logits);
        int best = 0;
        for (int id = 1; id < logits.Length; id++)
        {
            best = logits[id] > logits[best] ? id : best;
        }

        Assert.False(float.IsNegativeInfinity(logits[best]), "Nothing is allowed.");
        return best;
    }
}
