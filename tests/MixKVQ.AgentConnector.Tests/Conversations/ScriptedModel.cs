using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>
/// A language model that answers from a script: given the text of the whole prompt, up to where its answer begins, it
/// says what to say. Unless told otherwise it writes one character a token, so its ids differ from those that its text
/// is encoded to.
/// </summary>
internal sealed class ScriptedModel : IChatModel
{
    private readonly Func<string, string> _script;
    private readonly int[][] _answerStarts;
    private readonly ScriptedSequenceFactory _sequences;

    /// <param name="script">From the prompt's text to the answer's.</param>
    /// <param name="template">The chat template; null for <see cref="TinyTokenizer.Template"/>.</param>
    public ScriptedModel(Func<string, string> script, string? template = null)
        : this(script, TinyTokenizer.Load(), ChatTemplate.Parse(template ?? TinyTokenizer.Template, "test"))
    {
    }

    /// <summary>A model of ChatML with another tokenizer and template.</summary>
    public ScriptedModel(Func<string, string> script, ModelTokenizer tokenizer, ChatTemplate template)
    {
        _script = script;
        _sequences = new ScriptedSequenceFactory(this);
        Tokenizer = tokenizer;
        Template = template;
        AnswerStarts = [TinyTokenizer.AnswerStart];
    }

    /// <summary>What a prompt may end with.</summary>
    public IReadOnlyList<string> AnswerStarts
    {
        [MemberNotNull(nameof(_answerStarts))]
        init => _answerStarts = [.. value.Select(start => Tokenizer.EncodePrompt(start).SelectMany(segment => segment.TokenIds).ToArray())];
    }

    /// <summary>Whether it writes the ids that its text is encoded to.</summary>
    public bool WritesCanonically { get; init; }

    /// <summary>The logit of the script's next token, where the others have 0: with 0 too, and temperature 1, any token is as likely.</summary>
    public float Certainty { get; init; } = 10;

    /// <summary>Recommends nothing: greedy.</summary>
    public static GenerationDefaults Greedy { get; } = new(null, null, null, null, null);

    /// <inheritdoc/>
    public ModelTokenizer Tokenizer { get; }

    /// <inheritdoc/>
    public ChatTemplate Template { get; }

    /// <inheritdoc/>
    public int ContextLength { get; init; } = 100_000;

    /// <inheritdoc/>
    public IReadOnlyCollection<int> EndTokens => [Tokenizer.EosTokenId!.Value];

    /// <inheritdoc/>
    public GenerationDefaults GenerationDefaults => Greedy;

    /// <summary>Sequences not disposed yet.</summary>
    public int LiveSequences => _sequences.LiveCount;

    /// <summary>The ids that each of them holds. Not while one grows.</summary>
    public IReadOnlyList<int[]> LiveContents => _sequences.LiveContents;

    /// <summary>Of every answer begun, the ids that the model had seen, in order of time.</summary>
    public ConcurrentQueue<int[]> SeenPrompts { get; } = new();

    /// <summary>Called before each step with the number of tokens it reads.</summary>
    public Action<int>? OnStep { get; set; }

    /// <summary>Called before a sequence is made or forked.</summary>
    public Action? OnOpen { get; set; }

    /// <summary>Called when a signature is asked for: just before a conversation is written.</summary>
    public Action? OnWrite { get; set; }

    /// <inheritdoc/>
    public ISequenceFactory Sequences => _sequences;

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>A client of this model.</summary>
    public MixKvqChatClient CreateClient(Action<MixKvqOptions>? configure = null, ILoggerFactory? loggerFactory = null, TimeProvider? clock = null)
    {
        var options = new MixKvqOptions { ModelPath = "models/tiny" };
        configure?.Invoke(options);
        return new MixKvqChatClient(options, loggerFactory, () => Task.FromResult<IChatModel>(this), clock ?? TimeProvider.System);
    }

    /// <summary>The answer to <paramref name="seen"/>, of which a part may have been said, and where it begins.</summary>
    internal (int Start, List<int> Ids) AnswerTo(IReadOnlyList<int> seen)
    {
        int start = seen.Count;
        while (start > 0 && !_answerStarts.Any(end => start >= end.Length && seen.Skip(start - end.Length).Take(end.Length).SequenceEqual(end)))
        {
            start--;
        }

        return (start, Encode(_script(Tokenizer.Decode([.. seen.Take(start)]))));
    }

    /// <summary>The token of <paramref name="answer"/> after <paramref name="seen"/>.</summary>
    internal int Next(IReadOnlyList<int> seen, (int Start, List<int> Ids) answer)
    {
        int said = seen.Count - answer.Start;
        if (said == 0)
        {
            SeenPrompts.Enqueue([.. seen]);
        }

        return said < answer.Ids.Count ? answer.Ids[said] : EndTokens.Single();
    }

    /// <summary>The ids that it writes for an answer.</summary>
    internal List<int> Encode(string answer)
    {
        List<int> ids = [];
        foreach (PromptSegment segment in Tokenizer.EncodePrompt(answer))
        {
            ids.AddRange(segment.IsAdded || WritesCanonically ? segment.TokenIds : segment.Text.EnumerateRunes().SelectMany(character => Tokenizer.EncodeText(character.ToString())));
        }

        return ids;
    }
}
