using MixKVQ.AgentConnector.Sampling;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>The log-probabilities of an answer's tokens in the form that callers get. One turn, one caller at a time.</summary>
internal sealed class LogProbabilityList(ModelTokenizer tokenizer)
{
    private readonly List<TokenLogProbability> _tokens = [];
    private readonly Dictionary<int, (string Text, byte[] Bytes)> _texts = [];

    /// <summary>The tokens so far, in order.</summary>
    public IReadOnlyList<TokenLogProbability> Tokens => _tokens;

    /// <summary>Adds a token.</summary>
    public void Add(int tokenId, TokenLikelihood likelihood) =>
        _tokens.Add(Make(tokenId, likelihood.LogProbability, [.. likelihood.Alternatives.Select(token => Make(token.TokenId, token.LogProbability, []))]));

    private TokenLogProbability Make(int tokenId, float logProbability, IReadOnlyList<TokenLogProbability> alternatives)
    {
        if (!_texts.TryGetValue(tokenId, out (string Text, byte[] Bytes) known))
        {
            known = (tokenizer.Decode([tokenId]), tokenizer.BytesOf(tokenId).ToArray());
            _texts.Add(tokenId, known);
        }

        return new TokenLogProbability(tokenId, known.Text, known.Bytes, logProbability, alternatives);
    }
}
