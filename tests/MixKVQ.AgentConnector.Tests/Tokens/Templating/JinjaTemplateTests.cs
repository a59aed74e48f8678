using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens.Templating;

namespace MixKVQ.AgentConnector.Tests.Tokens.Templating;

/// <summary>What the goldens cannot show: Jinja's rules where the npm package has none, and errors.</summary>
public sealed class JinjaTemplateTests
{
    [Theory]
    [InlineData("{{ [1, 2, 3, 4] | select('even') | list }}", "[2, 4]")]
    [InlineData("{{ ['a', 'b'] | reject('equalto', 'a') | join(', ') }}", "b")]
    [InlineData("{{ [' a ', 'B'] | map('trim') | map('lower') | join }}", "ab")]
    [InlineData("{{ people | selectattr('f.n', 'eq', 'x') | list | length }}", "1")]
    [InlineData("{{ people | map(attribute='f.n') | join('|') }}", "x|y")]
    [InlineData("{{ 6 is divisibleby(3) }} {{ 5 is divisibleby 3 }} {{ 'a' is in ['a'] }} {{ 'a' is eq 'b' }} {{ 1 is sameas true }}", "true false true false false")]
    [InlineData("{{ '<a href=\"x\">&' | escape }}", "&lt;a href=&#34;x&#34;&gt;&amp;")]
    [InlineData("{{ 2.5 | round }} {{ 2.567 | round(2) }} {{ 2.1 | round(method='ceil') }}", "2.0 2.57 3.0")]
    [InlineData("{{ '__x_' | trim('_') }} {{ 'a-b-c'.rsplit('-', 1) }} {{ 'a\nb\r\nc\n'.splitlines() }} {{ 'abcb'.find('b') }} {{ 'abcb'.count('b') }}", "x [\"a-b\", \"c\"] [\"a\", \"b\", \"c\"] 1 2")]
    [InlineData("{{ ', '.join(['a', 'b']) }} {{ 'abc'.removeprefix('a').removesuffix('c') }} {{ '12'.isdigit() }}", "a, b b true")]
    [InlineData("{{ 'ab' * 3 }} {{ -1 % 3 }} {{ 'a' < 'b' }} {{ [1, [2]] == [1, [2]] }} {{ {'a': 1} == {'a': 1.0} }} {{ '1' == 1 }}", "ababab 2 true true true false")]
    [InlineData("{% for c in 'añ' %}{{ c }};{% endfor %}{% for x in missing %}x{% endfor %}", "a;ñ;")]
    [InlineData("{% for i in [1, 2, 3] %}{{ i }}{% if i == 2 %}{% break %}{% endif %},{% endfor %}", "1,2")]
    [InlineData("{{ none | string }}|{{ 'a\\d' }}|{{ missing | length }}|{{ (1, 2) }}|{{ dict(a=1) }}", "None|a\\d|0|[1, 2]|{\"a\": 1}")]
    [InlineData("{{ people is iterable }} {{ {} is iterable }} {{ 'x: ' ~ {'a': 1} }} {{ 'x' + [1] }}", "true true x: {\"a\": 1} x[1]")]
    [InlineData("{{ (1.0 + 1) ~ '' }} {{ 1e }}", null)]
    [InlineData("{{ (1.0 + 1) ~ '' }} {{ 0.00001 }} {{ 2 ** 64 }} {{ 10 ** 30 }}", "2.0 1e-05 18446744073709551616 1e+30")]
    public void Template_RendersAsJinjaDoes(string source, string? expected)
    {
        var variables = new JsonObject { ["people"] = JsonNode.Parse("""[{"f": {"n": "x"}}, {"f": {"n": "y"}}]""") };
        if (expected is null)
        {
            Assert.Throws<TemplateException>(() => ChatTemplateGoldens.Render(source, variables));
        }
        else
        {
            Assert.Equal(expected, ChatTemplateGoldens.Render(source, variables));
        }
    }

    [Theory]
    [InlineData("a\n\n{{ x", 3, "the template ends inside a tag")]
    [InlineData("a\n{% if x %}\nb", 2, "add {% endif %}")]
    [InlineData("{% for x in [] %}\n{% else %}\n", 1, "add {% endfor %}")]
    [InlineData("a\n{# c", 2, "add #}")]
    [InlineData("\n\n{{ 'a }}", 3, "the string has no end")]
    [InlineData("{{ 'ab\\", 1, "the string has no end")]
    [InlineData("{% if true %}\n\n{% endfor %}", 3, "unknown statement 'endfor'")]
    [InlineData("\n{% include 'x' %}", 2, "unknown statement 'include'")]
    [InlineData("{{ 1\n| foo }}", 1, "unknown filter 'foo'")]
    [InlineData("{{ 1 is foo }}", 1, "unknown test 'foo'")]
    [InlineData("{{ a.b() }}", 1, "b is undefined and cannot be called")]
    [InlineData("{% set x = 1 %}\n{{ x + none }}", 2, "'+' cannot be applied to integer and none")]
    [InlineData("{% break %}", 1, "outside a loop")]
    [InlineData("{{ 1 $ 2 }}", 1, "unexpected character '$'")]
    [InlineData("{{ f(a=1, 2) }}", 1, "behind a keyword argument")]
    [InlineData("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", 1, "at most 1 arguments")]
    [InlineData("{% set a.b = 1 %}", 1, "only a namespace's attributes")]
    [InlineData("{{ 1 // 0 }}", 1, "division by zero")]
    [InlineData("x\n{{- raise_exception('no') }}", 2, "no")]
    public void Fault_NamesLineAndReason(string source, int line, string reason)
    {
        var error = Assert.Throws<TemplateException>(() => ChatTemplateGoldens.Render(source, []));

        Assert.Equal(line, error.Line);
        Assert.Contains(reason, error.Reason, StringComparison.Ordinal);
    }
}
