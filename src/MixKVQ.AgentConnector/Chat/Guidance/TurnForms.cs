using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MixKVQ.AgentConnector.Chat.ToolCalling;
using MixKVQ.AgentConnector.Constraints;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat.Guidance;

/// <summary>Works out what turns have to look like, and remembers it for requests of the same tools and schema. Thread-safe.</summary>
/// <param name="tokenizer">The model's.</param>
/// <param name="format">How the model writes calls.</param>
/// <param name="canThink">Whether the model opens thoughts.</param>
/// <param name="logger">Told of tools whose arguments cannot be constrained.</param>
internal sealed class TurnForms(ModelTokenizer tokenizer, ToolCallFormat format, bool canThink, ILogger logger)
{
    /// <summary>How many forms are remembered; what decoding finds out about one takes up to some 50 MB.</summary>
    private const int MaxForms = 16;

    /// <summary>How many line breaks a model may write between a thought and its answer.</summary>
    private const int MaxLineBreaks = 2;

    private readonly Lazy<TokenVocabulary> _vocabulary = new(() => new TokenVocabulary(tokenizer));
    private readonly Lazy<GuardedMarker> _barredThought = new(() => new GuardedMarker(ThoughtTags.Open, tokenizer, rest: null));
    private readonly RecentCache<TurnForm> _forms = new(MaxForms);
    /// <summary>The form of a turn that answers <paramref name="request"/>. Takes milliseconds the first time.</summary>
    /// <exception cref="NotSupportedException">A schema has what constrained decoding does not do; all of it is named.</exception>
    public TurnForm Of(ChatRequest request)
    {
        TurnForm form = _forms.GetOrAdd(Key(request), () => Make(request));
        return request.ThoughtTokens is null ? form : form with
        {
            ThoughtTokens = request.ThoughtTokens,
            BarredThought = request.ThoughtTokens == 0 && canThink ? _barredThought.Value : null,
        };
    }

    private static string Key(ChatRequest request) => string.Join(
        '\n',
        MayOpenThought(request),
        request.SingleToolCall,
        request.Form.RequiresCall,
        request.Form.BarsCalls,
        JsonValue.Create(request.Form.RequiredTool)?.ToJsonString(),
        request.Form.Schema?.ToJsonString(),
        request.Prompt.Tools?.ToJsonString());

    private static bool MayOpenThought(ChatRequest request) => request.Prompt.EnableThinking != false && request.ThoughtTokens != 0;

    private TurnForm Make(ChatRequest request)
    {
        AnswerForm wanted = request.Form;
        JsonArray tools = request.Prompt.Tools ?? [];
        if (!wanted.RequiresCall && wanted.Schema is null)
        {
            // A model that was not trained to write JSON calls writes them its own way, unless it has to call.
            return new TurnForm
            {
                Calls = wanted.BarsCalls ? [.. format.Layouts.Select(layout => new GuardedMarker(layout.Opening, tokenizer, rest: null, layout.OpensAnswerOnly))]
                    : tools.Count > 0 && format.WritesJsonArguments ? Openings(tools, request.SingleToolCall)
                    : [],
            };
        }

        Grammar answer = wanted.RequiresCall
            ? RequiredCalls([.. tools.Where(tool => wanted.RequiredTool is null || NameOf(tool) == wanted.RequiredTool)], request.SingleToolCall)
            : Grammar.JsonSchema(wanted.Schema!);
        if (!wanted.RequiresCall && !wanted.BarsCalls && tools.Count > 0)
        {
            answer = Grammar.Choice(answer, RequiredCalls(tools, request.SingleToolCall));
        }

        return new TurnForm
        {
            Opening = Compile(canThink && MayOpenThought(request) ? Grammar.Choice(Grammar.Framing(ThoughtTags.Open, tokenizer), answer) : answer),
            ThoughtEnd = new GuardedMarker(ThoughtTags.Close, tokenizer, Compile(Grammar.Sequence(Grammar.Repeat(Grammar.Text("\n"), null, 0, MaxLineBreaks), answer))),
        };
    }

    /// <summary>How calls begin in a free answer, and how they go on; another call is found by its own opening.</summary>
    private GuardedMarker[] Openings(JsonArray tools, bool single)
    {
        (string Name, Grammar Arguments)[] functions = [.. tools.Select(tool => (NameOf(tool), ArgumentsOrAny(tool)))];
        return [.. format.Layouts.Select(layout => new GuardedMarker(
            layout.Opening, tokenizer, Compile(Calls(layout, functions, single || layout.AfterLast.Length == 0)), layout.OpensAnswerOnly))];
    }

    /// <summary>An answer that is nothing but calls.</summary>
    private Grammar RequiredCalls(IEnumerable<JsonNode?> tools, bool single) => Grammar.Sequence(
        Grammar.Framing(format.Layout.Opening, tokenizer),
        Calls(format.Layout, [.. tools.Select(tool => (NameOf(tool), Arguments(tool)))], single));

    /// <summary>What follows the opening.</summary>
    private Grammar Calls(ToolCallLayout layout, (string Name, Grammar Arguments)[] functions, bool single)
    {
        Grammar call = Grammar.Choice([.. functions.Select(function => Grammar.Sequence([.. layout.Call.Select(part => part.Kind switch
        {
            CallPartKind.Name => Grammar.Text(function.Name),
            CallPartKind.Arguments => function.Arguments,
            _ => Grammar.Framing(part.Text, tokenizer),
        })]))]);
        return Grammar.Sequence(
            Grammar.Framing(layout.BeforeFirst, tokenizer),
            single || layout.Separator is null ? call : Grammar.Repeat(call, Grammar.Framing(layout.Separator, tokenizer), 1),
            Grammar.Framing(layout.AfterLast, tokenizer));
    }

    private Grammar ArgumentsOrAny(JsonNode? tool)
    {
        try
        {
            Grammar arguments = Arguments(tool);
            Compile(arguments);
            return arguments;
        }
        catch (NotSupportedException unsupported)
        {
            ChatLog.ArgumentsNotConstrained(logger, NameOf(tool), unsupported.Message);
            return Grammar.AnyJsonObject;
        }
    }

    private static Grammar Arguments(JsonNode? tool)
    {
        JsonObject schema = tool!["function"]!["parameters"]?.DeepClone() as JsonObject ?? [];

        // Calls have arguments by name, whatever the schema leaves open.
        schema["type"] = "object";
        return Grammar.JsonSchema(schema);
    }

    private static string NameOf(JsonNode? tool) => tool!["function"]!["name"]!.GetValue<string>();

    private TokenConstraint Compile(Grammar grammar) => TokenConstraint.Compile(grammar, _vocabulary.Value);
}
