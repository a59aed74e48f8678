using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.ExtensionsAI;

/// <summary>OpenTelemetry's conventions for generative AI, as Microsoft.Extensions.AI reports the client by them.</summary>
public sealed class TelemetryTests : IDisposable
{
    private readonly string _source = $"mixkvq-test-{Guid.NewGuid():N}";
    private readonly ConcurrentQueue<Activity> _spans = new();
    private readonly ConcurrentQueue<(string Instrument, double Value, Dictionary<string, object?> Tags)> _measurements = new();
    private readonly ActivityListener _activities;
    private readonly MeterListener _meters;

    public TelemetryTests()
    {
        _activities = new ActivityListener
        {
            ShouldListenTo = source => source.Name == _source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _spans.Enqueue,
        };
        ActivitySource.AddActivityListener(_activities);
        _meters = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == _source)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        _meters.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Measure(instrument, value, tags));
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Measure(instrument, value, tags));
        _meters.Start();
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _activities.Dispose();
        _meters.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Span_TellsCachedAndReasoningTokens(bool streaming)
    {
        var model = new ScriptedModel(_ => "<think>\nHm.\n</think>\n\nHello.");
        using IChatClient client = Build(model);
        List<ChatMessage> history = [new(ChatRole.User, "Hi")];

        ChatResponse first = await AskAsync(client, history, streaming);
        history.AddMessages(first);
        history.Add(new ChatMessage(ChatRole.User, "Again"));
        ChatResponse second = await AskAsync(client, history, streaming);

        Assert.Equal(2, _spans.Count);
        Activity span = _spans.Last();
        Assert.Equal("chat tiny", span.DisplayName);
        Assert.Equal("chat", span.GetTagItem("gen_ai.operation.name"));
        Assert.Equal("mixkvq", span.GetTagItem("gen_ai.provider.name"));
        Assert.Equal("tiny", span.GetTagItem("gen_ai.request.model"));
        Assert.Equal("tiny", span.GetTagItem("gen_ai.response.model"));
        Assert.Equal(second.ResponseId, span.GetTagItem("gen_ai.response.id"));
        Assert.Equal("[\"stop\"]", span.GetTagItem("gen_ai.response.finish_reasons"));
        Assert.Equal((int)second.Usage!.InputTokenCount!, span.GetTagItem("gen_ai.usage.input_tokens"));
        Assert.Equal(15, span.GetTagItem("gen_ai.usage.output_tokens"));
        Assert.Equal((int)(first.Usage!.InputTokenCount! + 15), span.GetTagItem("gen_ai.usage.cache_read.input_tokens"));
        Assert.Equal(7, span.GetTagItem("gen_ai.usage.reasoning.output_tokens"));
        Assert.DoesNotContain(span.TagObjects, tag => tag.Value is string text && text.Contains("Hello", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Meters_CountTokensAndTime(bool streaming)
    {
        using IChatClient client = Build(new ScriptedModel(_ => "Hello."));

        ChatResponse response = await AskAsync(client, [new(ChatRole.User, "Hi")], streaming);

        Dictionary<string, object?>[] usage = [.. Named("gen_ai.client.token.usage").Select(measurement => measurement.Tags)];
        Assert.Equal(["input", "output"], usage.Select(tags => tags["gen_ai.token.type"]));
        Assert.All(usage, tags => Assert.Equal("mixkvq", tags["gen_ai.provider.name"]));
        Assert.Equal([(double)response.Usage!.InputTokenCount!, 6], Named("gen_ai.client.token.usage").Select(measurement => measurement.Value));
        Assert.Single(Named("gen_ai.client.operation.duration"));
        if (streaming)
        {
            Assert.Single(Named("gen_ai.client.operation.time_to_first_chunk"));
            Assert.Equal(6, Named("gen_ai.client.operation.time_per_output_chunk").Count());
        }
    }

    [Fact]
    public async Task SensitiveData_WhenAskedForTellsMessagesAndTheCachesFigures()
    {
        using IChatClient client = Build(new ScriptedModel(_ => "<think>\nHm.\n</think>\n\nHello."), sensitive: true);

        await AskAsync(client, [new(ChatRole.User, "Hi")], streaming: false);

        Activity span = _spans.Single();
        Assert.Contains("Hi", (string)span.GetTagItem("gen_ai.input.messages")!, StringComparison.Ordinal);
        Assert.Contains("\"reasoning\"", (string)span.GetTagItem("gen_ai.output.messages")!, StringComparison.Ordinal);
        Assert.Equal(16.0, span.GetTagItem(MixKvqMetadata.CacheBitsPerElement));
    }

    [Fact]
    public async Task Failure_IsTheSpansStatus()
    {
        using IChatClient client = Build(new ScriptedModel(_ => "Hello."));

        await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync("Hi", new ChatOptions { ConversationId = "conv_7" }, Cancellation));

        Activity span = _spans.Single();
        Assert.Equal(ActivityStatusCode.Error, span.Status);
        Assert.Equal(typeof(ArgumentException).FullName, span.GetTagItem("error.type"));
    }

    [Fact]
    public async Task ToolLoop_IsASpanWithOneForEachRequestAndCall()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("<tool_response>", StringComparison.Ordinal)
            ? "17."
            : "<tool_call>\n{\"name\": \"stock\", \"arguments\": {\"item\": \"bolt\"}}\n</tool_call>");
        using IChatClient client = model.CreateClient().AsBuilder().UseFunctionInvocation().UseOpenTelemetry(sourceName: _source).Build();

        await client.GetResponseAsync("How many?", new ChatOptions { Tools = [AIFunctionFactory.Create((string item) => 17, "stock")] }, Cancellation);

        Assert.Equal(["chat tiny", "execute_tool stock", "chat tiny", "orchestrate_tools"], _spans.Select(span => span.DisplayName));
        Assert.Single(_spans.Select(span => span.TraceId).Distinct());
    }

    [Fact]
    public async Task KernelsChatCompletion_OverThatClientIsReportedToo()
    {
        using IChatClient client = Build(new ScriptedModel(_ => "<think>\nHm.\n</think>\n\nHello."));

        await new MixKvqChatCompletionService(client).GetChatMessageContentsAsync(new ChatHistory("Hi"), cancellationToken: Cancellation);

        Activity span = _spans.Single();
        Assert.Equal(0, span.GetTagItem("gen_ai.usage.cache_read.input_tokens"));
        Assert.Equal(7, span.GetTagItem("gen_ai.usage.reasoning.output_tokens"));
    }

    [Fact]
    public async Task Agent_IsASpanAroundTheRequestsOfItsRun()
    {
        using IChatClient client = Build(new ScriptedModel(_ => "Hello."));
        AIAgent agent = new ChatClientAgent(client, name: "Greeter").AsBuilder().UseOpenTelemetry(_source).Build();

        await agent.RunAsync("Hi", cancellationToken: Cancellation);

        Activity run = Assert.Single(_spans, span => span.DisplayName.StartsWith("invoke_agent Greeter", StringComparison.Ordinal));
        Activity request = Assert.Single(_spans, span => span.DisplayName == "chat tiny");
        Assert.Equal(run.SpanId, request.ParentSpanId);
        Assert.Equal(0, request.GetTagItem("gen_ai.usage.cache_read.input_tokens"));
    }

    private IChatClient Build(ScriptedModel model, bool sensitive = false) =>
        model.CreateClient().AsBuilder().UseOpenTelemetry(sourceName: _source, configure: telemetry => telemetry.EnableSensitiveData = sensitive).Build();

    private static async Task<ChatResponse> AskAsync(IChatClient client, IEnumerable<ChatMessage> messages, bool streaming) => streaming
        ? await client.GetStreamingResponseAsync(messages, cancellationToken: Cancellation).ToChatResponseAsync(Cancellation)
        : await client.GetResponseAsync(messages, cancellationToken: Cancellation);

    private void Measure(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var named = new Dictionary<string, object?>();
        foreach ((string name, object? tag) in tags)
        {
            named[name] = tag;
        }

        _measurements.Enqueue((instrument.Name, value, named));
    }

    private IEnumerable<(string Instrument, double Value, Dictionary<string, object?> Tags)> Named(string instrument) =>
        _measurements.Where(measurement => measurement.Instrument == instrument);
}
