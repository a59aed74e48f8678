using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Generation;

/// <summary>What a step needs and no generation keeps: the engine's steps run one after another and share them.</summary>
internal sealed class StepBuffers
{
    private readonly List<float[]> _logits = [];

    /// <summary>The samplers' buffers.</summary>
    public CandidateSet Candidates { get; } = new();

    /// <summary>A row of logits, overwritten by every step; rows are for the generations that share one.</summary>
    public Memory<float> Logits(int row, int count)
    {
        while (_logits.Count <= row)
        {
            _logits.Add([]);
        }

        if (_logits[row].Length < count)
        {
            _logits[row] = new float[count];
        }

        return _logits[row].AsMemory(0, count);
    }
}
