using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Benchmarks.Thoughts;

/// <summary>A model that outlives the client that it is given to.</summary>
internal sealed class LentModel(IChatModel model) : IChatModel
{
    public ModelTokenizer Tokenizer => model.Tokenizer;

    public ChatTemplate Template => model.Template;

    public int ContextLength => model.ContextLength;

    public IReadOnlyCollection<int> EndTokens => model.EndTokens;

    public GenerationDefaults GenerationDefaults => model.GenerationDefaults;

    public ISequenceFactory Sequences => model.Sequences;

    public void Dispose()
    {
    }
}
