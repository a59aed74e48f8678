#pragma warning disable CA1822, CA1716
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;
namespace MixKVQ.AgentConnector.Constraints;
internal sealed class Grammar {
 public static Grammar Text(string t) => new();
 public static Grammar Framing(string t, ModelTokenizer k) => new();
 public static Grammar Sequence(params Grammar[] p) => new();
 public static Grammar Choice(params Grammar[] p) => new();
 public static Grammar Repeat(Grammar i, Grammar? s, int min, int? max) => new();
 public static Grammar JsonSchema(JsonNode s) => new();
 public static Grammar AnyJsonObject => new();
}
internal sealed class TokenVocabulary(ModelTokenizer t) { public ModelTokenizer T => t; }
internal sealed class TokenConstraint { public static TokenConstraint Compile(Grammar g, TokenVocabulary v) => new(); public ConstraintCursor Start() => new(); }
internal sealed class ConstraintCursor {
 public bool TryAccept(int t) => true;
 public bool TryAccept(ReadOnlySpan<byte> t) => true;
 public bool IsComplete => false; public bool MustEnd => false; public int ShortestCompletionTokens => 0; public int LargestStep => 0;
 public void Close() {} public void Restrict(Span<float> l) {} }
