using System.Diagnostics.Metrics;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Counts what happens to caches, as instruments of <see cref="MixKvqMetadata.MeterName"/>. Thread-safe.</summary>
internal sealed class ConversationMeter : IDisposable
{
    private const string ModelTag = "gen_ai.request.model";
    private const string PlaceTag = "mixkvq.cache.place";

    private readonly Meter _meter;
    private readonly bool _ownsMeter;
    private readonly Counter<long> _promptTokens;
    private readonly Counter<long> _evictions;
    private readonly Counter<long> _restores;
    private readonly Counter<long> _forks;
    private readonly KeyValuePair<string, object?> _model;
    private Func<ConversationTotals>? _totals;
    private Func<long>? _diskBytes;
    private long _cachedTokens;
    private long _allTokens;

    /// <param name="factory">Makes the meter; null for one of its own.</param>
    /// <param name="modelName">The model, a tag of every measurement.</param>
    public ConversationMeter(IMeterFactory? factory, string modelName)
    {
        _model = new KeyValuePair<string, object?>(ModelTag, modelName);
        _ownsMeter = factory is null;
        _meter = factory?.Create(MixKvqMetadata.MeterName) ?? new Meter(MixKvqMetadata.MeterName);
        _promptTokens = _meter.CreateCounter<long>("mixkvq.cache.prompt_tokens", "{token}", "Tokens of prompts, by whether a retained cache had them.");
        _evictions = _meter.CreateCounter<long>("mixkvq.cache.evictions", "{conversation}", "Caches that left memory, by where they are now: disk or none.");
        _restores = _meter.CreateCounter<long>("mixkvq.cache.restores", "{conversation}", "Caches asked back from disk, by outcome.");
        _forks = _meter.CreateCounter<long>("mixkvq.cache.forks", "{conversation}", "Conversations forked.");
    }

    /// <summary>Begins to report what caches hold.</summary>
    /// <param name="totals">What is in memory.</param>
    /// <param name="diskBytes">What is on disk.</param>
    public void Observe(Func<ConversationTotals> totals, Func<long> diskBytes)
    {
        (_totals, _diskBytes) = (totals, diskBytes);
        _meter.CreateObservableUpDownCounter(
            "mixkvq.cache.usage",
            MeasureBytes,
            "By",
            "Bytes of retained caches, by place: device or disk. A piece that several share counts once.");
        _meter.CreateObservableGauge(
            "mixkvq.cache.bits_per_element", () => Measure(_totals?.Invoke().BitsPerElement), "bit", "All bytes of the caches in memory, for each key and value element that a conversation sees.");
        _meter.CreateObservableGauge(
            "mixkvq.cache.hit_ratio", () => Measure(_totals is null ? null : HitRatio), "1", "The share of all prompt tokens so far that a retained cache had.");
    }

    private Measurement<long>[] MeasureBytes() => (_totals, _diskBytes) is ({ } totals, { } diskBytes)
        ? [new(totals().CacheBytes, _model, new(PlaceTag, "device")), new(diskBytes(), _model, new(PlaceTag, "disk"))]
        : [];

    private Measurement<double>[] Measure(double? value) => value is { } measured ? [new(measured, _model)] : [];

    private double HitRatio => Interlocked.Read(ref _allTokens) is > 0 and long all ? (double)Interlocked.Read(ref _cachedTokens) / all : 0;

    /// <summary>Counts a prompt.</summary>
    public void CountPrompt(int tokens, int cachedTokens)
    {
        Interlocked.Add(ref _allTokens, tokens);
        Interlocked.Add(ref _cachedTokens, cachedTokens);
        _promptTokens.Add(cachedTokens, _model, new("mixkvq.cache.hit", true));
        _promptTokens.Add(tokens - cachedTokens, _model, new("mixkvq.cache.hit", false));
    }

    /// <summary>Counts a cache that left memory.</summary>
    public void CountEviction(bool toDisk) => _evictions.Add(1, _model, new(PlaceTag, toDisk ? "disk" : "none"));

    /// <summary>Counts a cache that was asked back.</summary>
    public void CountRestore(bool isRefused) => _restores.Add(1, _model, new("mixkvq.cache.outcome", isRefused ? "refused" : "restored"));

    /// <summary>Counts a fork.</summary>
    public void CountFork() => _forks.Add(1, _model);

    /// <inheritdoc/>
    public void Dispose()
    {
        // A factory's meter lives on, with these instruments.
        (_totals, _diskBytes) = (null, null);
        if (_ownsMeter)
        {
            _meter.Dispose();
        }
    }
}
