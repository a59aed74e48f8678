using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens.Templating;

namespace MixKVQ.AgentConnector.Tests.Tokens.Templating;

/// <summary>Templates that try to take more than <see cref="TemplateLimits"/> grant.</summary>
public sealed class HostileTemplateTests
{
    private const long AllowedBytes = 100L << 20;

    [Theory]
    [InlineData("{% set r = range(100000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}", "steps")]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "MiB")]
    [InlineData("{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}", "levels deep")]
    [InlineData("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}", "steps")]
    [InlineData("{{ range(2000000000) }}", "steps")]
    [InlineData("{{ range(5000000) }}", "MiB")]
    [InlineData("{{ 'ab' * 1000000000 }}", "MiB")]
    [InlineData("{% set ns = namespace(s='ab') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}", "MiB")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}", "MiB")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}", "MiB")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l == [1] }}{% set a = ns.l %}{% set ns.l = [1] %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l == a }}", "steps")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}", "nested")]
    [InlineData("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}", "nested")]
    [InlineData("{% set s = 'ab' * 10000 %}{% for i in range(100000) %}{{ s }}{% endfor %}", "output has more")]
    [InlineData("{% set s = 'ab' * 10000 %}{% set t %}{% for i in range(100000) %}{{ s }}{% endfor %}{% endset %}", "MiB")]
    [InlineData("{% set s = 'a' * 4000000 %}{% set t = 'a' * 100 ~ 'b' %}{% for i in range(100000) %}{% if t in s %}x{% endif %}{% endfor %}", "steps")]
    [InlineData("{% set s = 'a' * 4000000 %}{% for i in range(100000) %}{% if 'ab' in s %}x{% endif %}{% endfor %}", "steps")]
    [InlineData("{% set s = 'a' * 4000000 %}{% set t = 'a' * 4000000 %}{% for i in range(100000) %}{% if s == t %}x{% endif %}{% endfor %}", "steps")]
    [InlineData("{% set s = 'a' * 4000000 %}{% for i in range(1000) %}{{ s.replace('a', 'b') }}{% endfor %}", "MiB")]
    [InlineData("{% set s = 'a ' * 4000000 %}{{ s.split() }}", "MiB")]
    [InlineData("{{ 'a\nb' | indent(2000000000) }}", "steps")]
    [InlineData("{{ [[1]] | tojson(indent=1000000000) }}", "steps")]
    [InlineData("{% set ns = namespace(s='%c') %}{% for i in range(22) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ strftime_now(ns.s) }}{{ strftime_now(ns.s) }}", "MiB")]
    [InlineData("{% set s = 'x' * 1000000 %}{{ s | list }}", "MiB")]
    public void GreedyTemplate_IsStoppedAtALimit(string source, string limit)
    {
        JinjaTemplate template = JinjaTemplate.Parse(source);

        var error = Assert.Throws<TemplateException>(() => template.Render([], DateTimeOffset.UnixEpoch, TestContext.Current.CancellationToken));

        Assert.Contains(limit, error.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ ", "(", "1", ")", " }}")]
    [InlineData("{{ ", "[", "", "]", " }}")]
    [InlineData("{{ ", "{'a': ", "1", "}", " }}")]
    [InlineData("{{ ", "not ", "1", "", " }}")]
    [InlineData("{{ ", "- ", "1", "", " }}")]
    [InlineData("{{ ", "f(", "1", ")", " }}")]
    [InlineData("{{ a", "[a", "", "]", " }}")]
    [InlineData("{{ 1 if 1 else ", "1 if 0 else ", "1", "", " }}")]
    [InlineData("", "{% if true %}", "", "{% endif %}", "")]
    [InlineData("", "{% for x in [1] %}", "", "{% endfor %}", "")]
    [InlineData("", "{% set x %}", "", "{% endset %}", "")]
    [InlineData("{{ ", "x is eq (", "1", ")", " }}")]
    [InlineData("{{ ", "1|default(", "1", ")", " }}")]
    public void Nesting_IsAllowedToItsLimitAndStoppedBeyond(string head, string open, string middle, string close, string tail)
    {
        string shallow = Nest(60);
        string deep = Nest(5_000);

        Assert.NotNull(JinjaTemplate.Parse(shallow));
        Assert.Contains("deep", Assert.Throws<TemplateException>(() => JinjaTemplate.Parse(deep)).Reason, StringComparison.Ordinal);

        string Nest(int depth) => head + string.Concat(Enumerable.Repeat(open, depth)) + middle + string.Concat(Enumerable.Repeat(close, depth)) + tail;
    }

    [Theory]
    [InlineData("+1")]
    [InlineData(".a")]
    [InlineData("|default(1)")]
    [InlineData(" is eq 1")]
    [InlineData(" or 0")]
    [InlineData("[0]")]
    [InlineData("()")]
    public void LongChain_IsStoppedInEvaluation(string link)
    {
        JinjaTemplate template = JinjaTemplate.Parse("{{ 0" + string.Concat(Enumerable.Repeat(link, 20_000)) + " }}");

        var error = Assert.Throws<TemplateException>(() => template.Render([], DateTimeOffset.UnixEpoch, TestContext.Current.CancellationToken));

        Assert.Contains("levels deep", error.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void EvaluationToItsDepthLimit_FitsASmallStack()
    {
        const int SmallStack = 1 << 20;
        string reason = "";
        var thread = new Thread(
            () =>
            {
                JinjaTemplate template = JinjaTemplate.Parse(string.Concat(Enumerable.Repeat("{% if [[[[1]]]] %}", 100)) + "{% macro f() %}{{ [f()] | map('default', f()) | list }}{% endmacro %}{{ f() }}" + string.Concat(Enumerable.Repeat("{% endif %}", 100)));
                reason = Assert.Throws<TemplateException>(() => template.Render([], DateTimeOffset.UnixEpoch, CancellationToken.None)).Reason;
            },
            SmallStack);
        thread.Start();
        thread.Join();

        Assert.Contains("levels deep", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void OversizedSource_IsRefused()
    {
        Assert.Contains("characters", Reason(new string('x', TemplateLimits.MaxSourceChars + 1)), StringComparison.Ordinal);
        Assert.Contains("tokens", Reason(string.Concat(Enumerable.Repeat("{{a}}", 100_000))), StringComparison.Ordinal);
        Assert.Contains("name", Reason("{{ " + new string('x', 1000) + " }}"), StringComparison.Ordinal);

        static string Reason(string source) => Assert.Throws<TemplateException>(() => JinjaTemplate.Parse(source)).Reason;
    }

    [Fact]
    public void DeepInput_IsRefused()
    {
        var value = new JsonArray();
        for (int i = 0; i < 1000; i++)
        {
            value = [value];
        }

        Assert.Contains("nested", Assert.Throws<TemplateException>(() => ChatTemplateGoldens.Render("x", new JsonObject { ["v"] = value })).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void StringsThatOneRenderingMakes_StayWithinTheMemoryLimit()
    {
        JinjaTemplate template = JinjaTemplate.Parse("{% set ns = namespace(l=[], s='a' * 1000) %}{% for i in range(1000000) %}{% set ns.l = [ns.l, ns.s ~ i] %}{% endfor %}");
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<TemplateException>(() => template.Render([], DateTimeOffset.UnixEpoch, TestContext.Current.CancellationToken));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllowedBytes);
    }
}
