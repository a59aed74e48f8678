using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Hosting;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector;

/// <summary>
/// A local reasoning model as an <see cref="IChatClient"/>, in process, with a key-value cache quantized by MixKVQ that
/// conversations keep from turn to turn.
/// </summary>
/// <remarks>
/// All members are safe for concurrent use: generations advance in turn on one engine. The model is loaded on first
/// use; <see cref="LoadAsync"/> does it ahead of time. Messages and options are read and never changed.
/// Stop sequences end the answer and are not looked for in thoughts. <see cref="MixKvqMetadata"/> names what can be asked for beside
/// the properties of <see cref="ChatOptions"/>, and what is reported.
/// </remarks>
public sealed class MixKvqChatClient : IChatClient, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _shutdown = new();
    private readonly OpenTurns _turns = new();
    private readonly Func<Task<IChatModel>> _load;
    private readonly ChatSettings _settings;
    private readonly ConversationSettings _conversationSettings;
    private readonly KvCacheOptions _cacheOptions;
    private readonly IMeterFactory? _meterFactory;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly string _device;
    private Task<ChatRunner>? _runner;
    private bool _disposed;

    /// <summary>Makes a client; the model is loaded on first use.</summary>
    /// <param name="options">What to run; read now, later changes have no effect.</param>
    /// <param name="loggerFactory">Where to log; null for nowhere.</param>
    /// <param name="meterFactory">Makes the meter <see cref="MixKvqMetadata.MeterName"/>; null for one of the client's own, which listeners hear too.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">Options are wrong; all faults are in the message.</exception>
    public MixKvqChatClient(MixKvqOptions options, ILoggerFactory? loggerFactory = null, IMeterFactory? meterFactory = null)
        : this(MixKvqOptionsValidator.Checked(options), loggerFactory, load: null, TimeProvider.System, meterFactory)
    {
    }

    /// <summary>Makes a client over a model that <paramref name="load"/> brings; null for the options' own. Takes the options over.</summary>
    internal MixKvqChatClient(MixKvqOptions options, ILoggerFactory? loggerFactory, Func<Task<IChatModel>>? load, TimeProvider clock, IMeterFactory? meterFactory = null)
    {
        _load = load ?? (() => Task.Run<IChatModel>(() => ModelRuntime.Load(options, loggerFactory ?? NullLoggerFactory.Instance)));
        _clock = clock;
        _meterFactory = meterFactory;
        _device = options.Device;
        _logger = loggerFactory?.CreateLogger<MixKvqChatClient>() ?? NullLogger<MixKvqChatClient>.Instance;
        string modelName = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.ModelPath)));
        _settings = new ChatSettings(modelName, options.Stateful, options.KeepThoughts, options.MaxOutputTokens, options.ContextOverflow);
        _cacheOptions = options.Cache;
        _conversationSettings = new ConversationSettings(
            new ConversationLimits(options.MaxConversations, options.Cache.MemoryBudgetBytes, options.SlidingExpiration, options.AbsoluteExpiration),
            options.Cache.SpillDirectory,
            options.Cache.SpillLimitBytes);
        Conversations = new ConversationCache(RunnerAsync, _clock);
        Metadata = new ChatClientMetadata(MixKvqMetadata.ProviderName, defaultModelId: modelName);
    }

    /// <summary>The conversations that this client keeps: to list, fork, pin, save, load and drop them. Also what <c>GetService</c> answers for its type.</summary>
    public ConversationCache Conversations { get; }

    private ChatClientMetadata Metadata { get; }

    /// <summary>How this client stands now.</summary>
    internal ClientStatus Status
    {
        get
        {
            Task<ChatRunner>? runner;
            bool disposed;
            lock (_gate)
            {
                (runner, disposed) = (_runner, _disposed);
            }

            ClientState state = disposed ? ClientState.Disposed
                : _turns.IsClosed ? ClientState.Stopping
                : runner is null ? ClientState.NotLoaded
                : runner.IsCompletedSuccessfully ? ClientState.Ready
                : runner.IsCompleted ? ClientState.Failed
                : ClientState.Loading;
            return new ClientStatus(
                state,
                _settings.ModelName,
                _device,
                _turns.Count,
                runner is { IsCompletedSuccessfully: true } && !disposed ? runner.Result.Conversations.Store.Totals : null,
                runner?.Exception?.InnerException);
        }
    }

    /// <summary>Loads the model, unless that is done or under way. A load that failed is tried again by the next call.</summary>
    /// <param name="cancellationToken">Ends the waiting, not the load, which others may wait for.</param>
    /// <exception cref="InvalidDataException">A file of the model folder is missing or broken; the message names it.</exception>
    public Task LoadAsync(CancellationToken cancellationToken = default) => RunnerAsync(cancellationToken);

    /// <summary>Loads the model as <see cref="LoadAsync"/> does, and runs a first step.</summary>
    internal async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        ChatRunner runner = await RunnerAsync(cancellationToken).ConfigureAwait(false);
        await runner.WarmUpAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends when nothing is left to do between turns; returns the tokens that were read between turns so far.</summary>
    internal async Task<long> WhenIdleWorkIsDoneAsync(CancellationToken cancellationToken = default)
    {
        ChatRunner runner = await RunnerAsync(cancellationToken).ConfigureAwait(false);
        await runner.WhenIdleWorkIsDoneAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        return runner.IdlePrefilledTokens;
    }

    /// <summary>Refuses new turns and waits for those that run; cancels them once <paramref name="cancellationToken"/> says so.</summary>
    internal async Task StopAsync(CancellationToken cancellationToken)
    {
        Task closing = _turns.CloseAsync();
        if (_runner is { IsCompletedSuccessfully: true } runner)
        {
            await (await runner.ConfigureAwait(false)).EndIdleWorkAsync().ConfigureAwait(false);
        }

        try
        {
            await closing.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            try
            {
                await _shutdown.CancelAsync().ConfigureAwait(false);
            }
            catch (ObjectDisposedException)
            {
                // The client was disposed meanwhile, which cancels turns too.
            }
        }
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ChatResponse response = await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken).ConfigureAwait(false);

        // Figures of the turn: joining updates leaves them with the message.
        response.AdditionalProperties ??= response.Messages[^1].AdditionalProperties;
        response.Messages[^1].AdditionalProperties = null;
        return response;
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return StreamAsync(messages, options, cancellationToken);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? Metadata
            : serviceType == typeof(ConversationCache) ? Conversations
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Cancels running turns and releases the model and every retained conversation.</summary>
    public async ValueTask DisposeAsync()
    {
        Task<ChatRunner>? runner;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            runner = _runner;
        }

        await _shutdown.CancelAsync().ConfigureAwait(false);
        if (runner is not null)
        {
            await runner.ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
            if (runner.IsCompletedSuccessfully)
            {
                await (await runner.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            }
        }

        _shutdown.Dispose();
    }

    /// <inheritdoc cref="DisposeAsync"/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _turns.Enter();
        }

        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _shutdown.Token);
            ChatRunner runner = await RunnerAsync(ending.Token).ConfigureAwait(false);
            await foreach (ChatResponseUpdate update in runner.RunAsync(messages, options, this, ending.Token).ConfigureAwait(false))
            {
                yield return update;
            }
        }
        finally
        {
            _turns.Leave();
        }
    }

    private Task<ChatRunner> RunnerAsync(CancellationToken cancellationToken)
    {
        Task<ChatRunner> runner;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_runner is null or { IsFaulted: true })
            {
                _runner = StartAsync();
            }

            runner = _runner;
        }

        return runner.WaitAsync(cancellationToken);
    }

    private async Task<ChatRunner> StartAsync()
    {
        IChatModel model = await _load().ConfigureAwait(false);
        var meter = new ConversationMeter(_meterFactory, _settings.ModelName);
        ConversationKeeper? conversations = null;
        try
        {
            conversations = await Task.Run(() => new ConversationKeeper(model, SettingsOn(model.Sequences.DeviceMemory), _clock, new ConversationEvents(_logger, meter), _logger)).ConfigureAwait(false);
            return new ChatRunner(model, _settings, conversations, meter, _clock, _logger);
        }
        catch
        {
            conversations?.Dispose();
            meter.Dispose();
            model.Dispose();
            throw;
        }
    }

    /// <summary>How conversations are kept where caches are in a device's memory, or in the process's own.</summary>
    private ConversationSettings SettingsOn(DeviceMemory? memory) => memory is { } device
        ? _conversationSettings with { Limits = _conversationSettings.Limits with { MemoryBytes = _cacheOptions.MemoryBudgetBytesOn(device) } }
        : _conversationSettings;
}
