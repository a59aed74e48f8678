using System.Runtime.CompilerServices;

namespace MixKVQ.AgentConnector.Generation;

/// <summary>
/// Runs all generations on one thread, which alone calls the models. A generation takes a step, one prefill chunk or one decoded token,
/// only while its consumer awaits the next token, and queues anew for each: active generations advance in turn, a newcomer waits for
/// one step of each at most, and a slow consumer holds up nobody but itself. Thread-safe.
/// </summary>
internal sealed class InferenceEngine : IAsyncDisposable
{
    private readonly StepQueue _queue = new();
    private readonly StepBuffers _buffers = new();
    private readonly TimeProvider _timeProvider;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Starts the thread.</summary>
    /// <param name="timeProvider">Measures steps; null: the system's.</param>
    public InferenceEngine(TimeProvider? timeProvider = null)
    {
        _timeProvider = timeProvider ?? TimeProvider.System;
        new Thread(Run) { Name = "MixKVQ inference", IsBackground = true }.Start();
    }

    /// <summary>
    /// Generates token by token. Whenever the consumer has the word (it has a token, or the enumeration has ended or was disposed), the
    /// engine does not touch the sequence, and the sequence holds the prompt and every generated token but the last: that one is read
    /// only when another is asked for. If reading the prompt or a token fails or is cancelled, the sequence may hold part of the prompt.
    /// </summary>
    /// <param name="request">One enumeration uses it up.</param>
    /// <param name="cancellationToken">Observed between steps.</param>
    /// <exception cref="ArgumentException">While enumerating, before the first step: the request is not valid, or does not fit its context.</exception>
    /// <exception cref="OperationCanceledException">While enumerating: cancelled, or the engine was disposed.</exception>
    /// <exception cref="InvalidDataException">While enumerating: the logits are not finite.</exception>
    public async IAsyncEnumerable<GeneratedToken> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ActiveGeneration generation = new(request, _buffers, _timeProvider, cancellationToken);
        GeneratedToken token;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            ValueTask<GeneratedToken> next = generation.AwaitToken();
            if (!_queue.TryAdd(generation))
            {
                throw EngineDisposed();
            }

            token = await next.ConfigureAwait(false);
            yield return token;
        }
        while (token.End is null);
    }

    /// <summary>Ends every generation with an <see cref="OperationCanceledException"/>, after the step under way, and the thread.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Close();
        await _ended.Task.ConfigureAwait(false);
    }

    private static OperationCanceledException EngineDisposed() => new("The generation was cancelled because the inference engine was disposed.");

    private void Run()
    {
        while (_queue.TryTake(out ActiveGeneration? generation))
        {
            try
            {
                if (_queue.IsClosed)
                {
                    generation.Fail(EngineDisposed());
                }
                else if (!generation.Advance() && !_queue.TryAdd(generation))
                {
                    generation.Fail(EngineDisposed());
                }
            }
            catch (Exception exception)
            {
                // Whatever went wrong is this generation's alone.
                generation.Fail(exception);
            }
        }

        _ended.SetResult();
    }
}
