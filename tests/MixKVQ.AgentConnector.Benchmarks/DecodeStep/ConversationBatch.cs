using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;

namespace MixKVQ.AgentConnector.Benchmarks.DecodeStep;

/// <summary>Conversations that decode at once.</summary>
internal sealed class ConversationBatch : IDisposable
{
    private readonly DecoderModel _model;
    private readonly DecodeInput[] _inputs;
    private readonly Exception?[] _failures;

    /// <param name="model">The model; borrowed.</param>
    /// <param name="prompt">What each goes on from; borrowed.</param>
    /// <param name="size">How many they are.</param>
    public ConversationBatch(DecoderModel model, KvCache prompt, int size)
    {
        _model = model;
        _failures = new Exception?[size];
        _inputs = [.. Enumerable.Range(0, size).Select(_ => new DecodeInput(0, prompt.Fork(), new float[model.Config.VocabularySize]))];
    }

    /// <summary>Takes one token of each.</summary>
    public void Decode(int turn)
    {
        for (int i = 0; i < _inputs.Length; i++)
        {
            _inputs[i] = _inputs[i] with { TokenId = ((turn * 7919) + i) % _model.Config.VocabularySize };
        }

        _model.Decode(_inputs, _failures);
        if (Array.Find(_failures, failure => failure is not null) is { } first)
        {
            throw new InvalidOperationException("A conversation of the batch failed.", first);
        }
    }

    public void Dispose() => Array.ForEach(_inputs, input => input.Cache.Dispose());
}
