using System.Runtime.CompilerServices;
using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Generation;

/// <summary>
/// Runs all generations on one thread, which alone calls the models. A generation takes a step, one prefill chunk or one decoded token,
/// only while its consumer awaits the next token, and queues anew for each: active generations advance in turn, those that decode with one model
/// together, a newcomer waits for one step of each at most, and a slow consumer holds up no other generation. What is prefilled ahead goes on only between generations.
/// Thread-safe.
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
    /// Where memory is exhausted, the request's relief makes room and the step is tried again, once a generation.
    /// </summary>
    /// <param name="request">One enumeration uses it up.</param>
    /// <param name="cancellationToken">Observed between steps.</param>
    /// <exception cref="ArgumentException">While enumerating, before the first step: the request is not valid, or does not fit its context.</exception>
    /// <exception cref="OperationCanceledException">While enumerating: cancelled, or the engine was disposed.</exception>
    /// <exception cref="InvalidDataException">While enumerating: the logits are not finite.</exception>
    /// <exception cref="InsufficientMemoryException">While enumerating: memory is exhausted, for all that the request's relief did.</exception>
    public async IAsyncEnumerable<GeneratedToken> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ActiveGeneration generation = new(request, _buffers, _timeProvider, cancellationToken);
        bool isRelieved = false;
        _queue.BeginGeneration();
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                ValueTask<GeneratedToken> next = generation.AwaitToken();
                if (!_queue.TryAdd(generation))
                {
                    throw EngineDisposed();
                }

                GeneratedToken token;
                try
                {
                    token = await next.ConfigureAwait(false);
                }
                catch (Exception failure) when (request.Relief is not null && MemoryExhaustion.Is(failure))
                {
                    Relieve(request.Relief, failure, isRelieved, generation);
                    isRelieved = true;
                    continue;
                }

                yield return token;
                if (token.End is not null)
                {
                    yield break;
                }
            }
        }
        finally
        {
            _queue.EndGeneration();
        }
    }

    /// <summary>
    /// Reads tokens ahead of need, chunk by chunk, while no generation is open. When the task has ended, the engine does not touch the
    /// sequence, and if it ended by cancellation, the sequence holds what was read until then, all of it whole.
    /// </summary>
    /// <param name="sequence">Lent to the engine, which appends to it.</param>
    /// <param name="tokens">The ids to read.</param>
    /// <param name="cancellationToken">Ends it after the chunk under way; at once where none is.</param>
    /// <exception cref="OperationCanceledException">Cancelled, or the engine was disposed.</exception>
    public async Task PrefillAsync(IModelSequence sequence, ReadOnlyMemory<int> tokens, CancellationToken cancellationToken = default)
    {
        while (!tokens.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(tokens.Length, sequence.TokensToPageBorder);
            PrefillStep step = new(sequence, tokens[..count]);
            if (!_queue.TryAddBackground(step))
            {
                throw EngineDisposed();
            }

            using (cancellationToken.Register(() => Withdraw(step, cancellationToken)))
            {
                await step.Completion.ConfigureAwait(false);
            }

            tokens = tokens[count..];
        }
    }

    /// <summary>Ends every generation and prefill with an <see cref="OperationCanceledException"/>, after the step under way, and the thread.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Close();
        await _ended.Task.ConfigureAwait(false);
    }

    /// <summary>Makes room for the generation's failed step, or throws what its caller is told.</summary>
    private static void Relieve(IMemoryRelief relief, Exception failure, bool wasTriedAgain, ActiveGeneration generation)
    {
        if (wasTriedAgain)
        {
            throw relief.Refusal(failure);
        }

        relief.MakeRoom();
        try
        {
            generation.Resume();
        }
        catch (Exception again) when (MemoryExhaustion.Is(again))
        {
            throw relief.Refusal(again);
        }
    }

    private static OperationCanceledException EngineDisposed() => new("The generation was cancelled because the inference engine was disposed.");

    private void Withdraw(PrefillStep step, CancellationToken cancellationToken)
    {
        if (_queue.TryWithdraw(step))
        {
            step.Fail(new OperationCanceledException(cancellationToken));
        }
    }

    private void Run()
    {
        var round = new DecodeRound(_timeProvider);
        while (_queue.TryTake(out IEngineStep? step))
        {
            try
            {
                if (_queue.IsClosed)
                {
                    step.Fail(EngineDisposed());
                }
                else if (step is ActiveGeneration { Batch: { } batch } generation)
                {
                    round.Run(generation, batch, _queue);
                    round.AwaitReturns(_queue);
                }
                else if (!step.Advance() && !_queue.TryAdd(step))
                {
                    step.Fail(EngineDisposed());
                }
            }
            catch (Exception exception)
            {
                // Whatever went wrong is this step's alone.
                step.Fail(exception);
            }
        }

        _ended.SetResult();
    }
}
