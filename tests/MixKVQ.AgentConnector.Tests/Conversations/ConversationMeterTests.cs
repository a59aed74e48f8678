using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Tests.Checkpoints;

namespace MixKVQ.AgentConnector.Tests.Conversations;

public sealed class ConversationMeterTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Instruments_TellWhatHappensToCaches()
    {
        using var folder = new ModelFolder();
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        Dictionary<string, double> sums = [];
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Scope == meters)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.Start();

        var model = new ScriptedModel(_ => "Yes.");
        var options = new MixKvqOptions { ModelPath = "models/tiny", Stateful = true };
        (options.Cache.MemoryBudget, options.Cache.SpillDirectory) = ("2.5KiB", folder.File("conversations"));
        using var client = new MixKvqChatClient(options, null, () => Task.FromResult<IChatModel>(model), TimeProvider.System, meters);
        string first = (await client.GetResponseAsync(new string('a', 300), cancellationToken: Cancellation)).ConversationId!;
        await client.GetResponseAsync(new string('b', 300), cancellationToken: Cancellation);
        ChatResponse again = await client.GetResponseAsync("More.", new ChatOptions { ConversationId = first }, Cancellation);
        await client.Conversations.ForkAsync(first, cancellationToken: Cancellation);
        listener.RecordObservableInstruments();

        Assert.InRange(sums["mixkvq.cache.evictions disk"], 1, 3);
        Assert.Equal(1, sums["mixkvq.cache.restores restored"]);
        Assert.Equal(1, sums["mixkvq.cache.forks"]);
        Assert.Equal(again.Usage!.CachedInputTokenCount!.Value, sums["mixkvq.cache.prompt_tokens True"]);
        Assert.InRange(sums["mixkvq.cache.hit_ratio"], 0.01, 0.99);
        Assert.InRange(sums["mixkvq.cache.usage device"], 1, 3 * 1024);
        Assert.InRange(sums["mixkvq.cache.usage disk"], 1, 1_000_000);
        Assert.True(sums["mixkvq.cache.bits_per_element"] > 0);

        void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string tag = "";
            foreach ((string name, object? text) in tags)
            {
                tag = name == "gen_ai.request.model" ? tag : $" {text}";
            }

            lock (sums)
            {
                sums[instrument.Name + tag] = sums.GetValueOrDefault(instrument.Name + tag) + value;
            }
        }
    }
}
