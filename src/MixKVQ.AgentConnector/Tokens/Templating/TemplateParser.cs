using System.Runtime.CompilerServices;
using MixKVQ.AgentConnector.Tokens.Templating.Syntax;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Builds the tree of a template by recursive descent, with the operator precedence of the npm package.</summary>
internal sealed partial class TemplateParser
{
    private readonly List<Token> _tokens;
    private int _index;
    private int _depth;
    private int _loopDepth;

    private TemplateParser(List<Token> tokens) => _tokens = tokens;

    private Token Current => _tokens[_index];

    /// <summary>Parses a whole template.</summary>
    /// <exception cref="TemplateException">The source is no template of the supported subset, or exceeds a limit.</exception>
    public static IReadOnlyList<Statement> Parse(string source)
    {
        var parser = new TemplateParser(TemplateLexer.Read(source));
        return parser.ParseBlock(null);
    }

    /// <summary>Statements up to a <c>{%</c> with one of the given names, which is left to the caller; to the end without names.</summary>
    private List<Statement> ParseBlock(Token? opening, params ReadOnlySpan<string> endings)
    {
        Enter();
        var statements = new List<Statement>();
        while (!IsAtStatement(endings))
        {
            Token token = Current;
            switch (token.Kind)
            {
                case TokenKind.End when opening is null:
                    Leave();
                    return statements;
                case TokenKind.End:
                    throw Error(opening.Value, $"{{% {opening.Value.Text} %}} is not closed: add {{% {endings[^1]} %}}");
                case TokenKind.Text:
                    _index++;
                    statements.Add(new TextStatement(token.Line, token.Text));
                    break;
                case TokenKind.OpenExpression:
                    _index++;
                    statements.Add(new OutputStatement(token.Line, ParseExpression()));
                    Expect(TokenKind.CloseExpression, "}}");
                    break;
                // Transformers marks the assistant's part with these; they render nothing.
                case TokenKind.OpenStatement when _tokens[_index + 1].Text is "generation" or "endgeneration":
                    _index += 2;
                    Expect(TokenKind.CloseStatement, "%}");
                    break;
                default:
                    Expect(TokenKind.OpenStatement, "a statement");
                    statements.Add(ParseStatement());
                    break;
            }
        }

        Leave();
        return statements;
    }

    private bool IsAtStatement(ReadOnlySpan<string> names)
        => Current.Kind == TokenKind.OpenStatement && _tokens[_index + 1].Kind == TokenKind.Name && names.Contains(_tokens[_index + 1].Text);

    /// <summary>Consumes <c>{% name %}</c>.</summary>
    private void ExpectTag(string name)
    {
        Expect(TokenKind.OpenStatement, "{%");
        ExpectName(name);
        Expect(TokenKind.CloseStatement, "%}");
    }

    private void ExpectName(string name)
    {
        if (!TakeName(name))
        {
            throw Error(Current, $"expected '{name}', found {Current.Describe()}");
        }
    }

    private Token Expect(TokenKind kind, string description)
    {
        Token token = Current;
        if (token.Kind != kind)
        {
            throw Error(token, $"expected {description}, found {token.Describe()}");
        }

        _index++;
        return token;
    }

    private void ExpectOperator(string text)
    {
        if (!TakeOperator(text))
        {
            throw Error(Current, $"expected '{text}', found {Current.Describe()}");
        }
    }

    private bool TakeOperator(string text)
    {
        bool isHere = Current.IsOperator(text);
        _index += isHere ? 1 : 0;
        return isHere;
    }

    private bool TakeName(string text)
    {
        bool isHere = Current.IsName(text);
        _index += isHere ? 1 : 0;
        return isHere;
    }

    private void Enter()
    {
        if (++_depth > TemplateLimits.MaxParseDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Error(Current, $"blocks and expressions stand more than {TemplateLimits.MaxParseDepth} deep in one another");
        }
    }

    private void Leave() => _depth--;

    private static TemplateException Error(Token token, string reason) => new(token.Line, reason);
}
