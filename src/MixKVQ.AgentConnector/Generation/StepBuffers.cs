using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Generation;

/// <summary>What a step needs and no generation keeps: the engine's steps run one after another and share them.</summary>
internal sealed class StepBuffers
{
    private float[] _logits = [];

    /// <summary>The samplers' buffers.</summary>
    public CandidateSet Candidates { get; } = new();

    /// <summary>[vocabulary], overwritten by every step.</summary>
    public Span<float> Logits(int vocabularySize)
    {
        if (_logits.Length < vocabularySize)
        {
            _logits = new float[vocabularySize];
        }

        return _logits.AsSpan(0, vocabularySize);
    }
}
