using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Hosting;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Benchmarks.Thoughts;

/// <summary>A model that computes all it would compute, and says what it is told to say.</summary>
/// <param name="inner">Does the work; owned.</param>
/// <param name="template">The chat template to use in place of the model's.</param>
internal sealed class FixedAnswers(ModelRuntime inner, ChatTemplate template) : IChatModel
{
    private readonly Queue<int> _script = [];

    public ModelTokenizer Tokenizer => inner.Tokenizer;

    public ChatTemplate Template => template;

    public int ContextLength => inner.ContextLength;

    public IReadOnlyCollection<int> EndTokens => inner.EndTokens;

    public GenerationDefaults GenerationDefaults => new(null, null, null, null, null);

    public ISequenceFactory Sequences => new FixedAnswerSequences(inner.Sequences, _script);

    /// <summary>Sets the next answer.</summary>
    public void Say(IEnumerable<int> tokenIds)
    {
        _script.Clear();
        foreach (int id in tokenIds.Append(EndTokens.First()))
        {
            _script.Enqueue(id);
        }
    }

    public void Dispose() => inner.Dispose();
}
