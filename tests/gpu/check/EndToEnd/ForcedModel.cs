using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.EndToEnd;

/// <summary>The embedded model on one device, with caches of the default options.</summary>
internal sealed class ForcedModel : IDisposable
{
    private readonly DecoderModel _model;
    private readonly KvCacheFactory _factory;

    /// <param name="folder">The model.</param>
    /// <param name="device">Where Torch has its tensors.</param>
    /// <param name="kernels">The same device, for kernels; null on the CPU.</param>
    public ForcedModel(string folder, Device device, IKernelDevice? kernels)
    {
        var options = new KvCacheOptions();
        _model = DecoderModel.Load(folder, device, null, options.ExpectsRotatedValues, kernels: kernels);
        _factory = new KvCacheFactory(_model.CacheGeometry, options, _model.Team, kernels);
    }

    /// <summary>What the model would say after each token of a text, the first ones read in chunks, the others one by one.</summary>
    /// <param name="tokens">The text.</param>
    /// <param name="read">How many tokens are read in chunks.</param>
    /// <returns>The likeliest next tokens after the last chunk and after each later token.</returns>
    public int[] Choices(ReadOnlyMemory<int> tokens, int read)
    {
        using KvCache cache = _factory.Create();
        List<int> choices = [Read(cache, tokens[..read])];
        for (int i = read; i < tokens.Length; i++)
        {
            choices.Add(Decode(cache, tokens.Span[i]));
        }

        return [.. choices];
    }

    /// <summary>Goes on by the likeliest token.</summary>
    /// <param name="prompt">What is read.</param>
    /// <param name="count">How many tokens to write.</param>
    public int[] Continue(ReadOnlyMemory<int> prompt, int count)
    {
        using KvCache cache = _factory.Create();
        List<int> written = [Read(cache, prompt)];
        while (written.Count < count)
        {
            written.Add(Decode(cache, written[^1]));
        }

        return [.. written];
    }

    public void Dispose()
    {
        _factory.Dispose();
        _model.Dispose();
    }

    private int Read(KvCache cache, ReadOnlyMemory<int> tokens)
    {
        int choice = 0;
        while (cache.TokenCount < tokens.Length)
        {
            int count = Math.Min(cache.TokensToPageBorder, tokens.Length - cache.TokenCount);
            using Tensor logits = _model.Forward(new ForwardStep(tokens.Slice(cache.TokenCount, count), cache));
            using Tensor likeliest = logits.argmax(-1);
            choice = (int)likeliest.cpu().item<long>();
        }

        return choice;
    }

    private int Decode(KvCache cache, int token)
    {
        float[] logits = new float[_model.Config.VocabularySize];
        var failures = new Exception?[1];
        _model.Decode([new DecodeInput(token, cache, logits)], failures);
        return failures[0] is { } failure ? throw new InvalidOperationException($"Token {token} failed.", failure) : Array.IndexOf(logits, logits.Max());
    }
}
