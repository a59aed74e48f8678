using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>A loaded model as the conversations see it. Safe for concurrent use. Disposed after its sequences' last step.</summary>
internal interface IChatModel : IDisposable
{
    /// <summary>The tokenizer.</summary>
    ModelTokenizer Tokenizer { get; }

    /// <summary>The chat template.</summary>
    ChatTemplate Template { get; }

    /// <summary>The most tokens that a prompt and its answer may have together.</summary>
    int ContextLength { get; }

    /// <summary>Ids that end an answer.</summary>
    IReadOnlyCollection<int> EndTokens { get; }

    /// <summary>What generation_config.json recommends.</summary>
    GenerationDefaults GenerationDefaults { get; }

    /// <summary>Makes its sequences.</summary>
    ISequenceFactory Sequences { get; }
}
