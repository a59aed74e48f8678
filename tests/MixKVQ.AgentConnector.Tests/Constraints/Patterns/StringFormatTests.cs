using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml;
using Json.Schema;
using MixKVQ.AgentConnector.Constraints.Patterns;

namespace MixKVQ.AgentConnector.Tests.Constraints.Patterns;

public sealed class StringFormatTests
{
    private const int WalksPerFormat = 1000;

    public static TheoryData<string> Names => [.. StringFormats.Names.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void RandomTextsOfAFormat_AreValidForAStrictValidator(string format)
    {
        TextPattern pattern = TextPattern.ForFormat(format)!;
        JsonSchema schema = JsonSchema.FromText(new JsonObject { ["type"] = "string", ["format"] = format }.ToJsonString());
        EvaluationOptions options = new() { RequireFormatValidation = true };
        Random random = new(format.Length);
        string[] invalid =
        [
            .. Enumerable.Range(0, WalksPerFormat).Select(walk => PatternWalk.Draw(pattern, random, walk % 80))
                .Where(text => !schema.Evaluate(JsonSerializer.SerializeToElement(text), options).IsValid)
        ];
        Assert.True(invalid.Length == 0, $"{invalid.Length} of {WalksPerFormat} are invalid: {string.Join("\n", invalid.Take(8))}");
    }

    [Theory]
    [InlineData("date", "2024-02-29", "2000-02-29", "9999-12-31", "0001-01-01")]
    [InlineData("time", "00:00:00Z", "23:59:59.123+05:30", "12:00:00-14:00")]
    [InlineData("date-time", "2026-11-24T22:27:50Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "2024-02-29T12:00:00.5-03:00")]
    [InlineData("duration", "P1Y2M3D", "PT36H", "P3W", "P1DT12H", "PT86400S")]
    [InlineData("email", "jane.doe+news@example.co.uk", "o'hara@x-y.org", "a_b@mail.museum")]
    [InlineData("hostname", "localhost", "ec2-203-0-113-25.compute-1.amazonaws.com", "a.b.c.d.e.f.g.example")]
    [InlineData("ipv4", "0.0.0.0", "255.255.255.255", "192.168.1.10")]
    [InlineData("ipv6", "::", "::1", "fe80::1", "2001:db8:0:0:1:0:0:1", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8")]
    [InlineData("uri", "https://example.com", "http://localhost:8080/a/b?x=1&y=%20#top", "urn:isbn:0451450523", "mailto:a.b@example.com", "https://10.0.0.1/", "file:///etc/hosts")]
    [InlineData("uri-reference", "/a/b", "a/b?c", "#top", "?q=1", "", "../up", "https://example.com/")]
    [InlineData("iri", "https://example.com/straße?q=東京")]
    [InlineData("iri-reference", "/straße#東京")]
    [InlineData("uri-template", "/users/{id}{?fields*,page:3}", "{+base}/x%20y")]
    [InlineData("uuid", "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000")]
    [InlineData("json-pointer", "", "/a/0/~0~1", "/é//")]
    [InlineData("relative-json-pointer", "0", "1/a", "2#")]
    public void AFormat_TakesWhatPeopleWrite(string format, params string[] texts) =>
        Assert.All(texts, text => Assert.True(TextPattern.ForFormat(format)!.IsMatch(text), text));

    [Theory]
    [InlineData("date", "2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "2024-00-10", "0000-01-01", "24-01-01", "2024-01-01 ")]
    [InlineData("time", "24:00:00Z", "12:60:00Z", "12:00:00", "12:00Z", "12:00:00.Z", "12:00:00+15:00")]
    [InlineData("date-time", "2026-11-24", "2026-11-24T22:27:50", "2026-11-24 22:27:50Z", "9999-12-31T23:59:59-01:00", "2023-02-29T00:00:00Z")]
    [InlineData("duration", "P", "PT", "P1Y1D", "P1D1Y", "1D", "P1H", "P1W1D")]
    [InlineData("email", "a", "a@", "@b.com", ".a@b.com", "a.@b.com", "a..b@c.com", "a b@c.com", "a@b", "a@-b.com", "a@b..com")]
    [InlineData("hostname", "", "-a", "a-", "a..b", "a_b", "a.", "1.2.3.4", "xn--a")]
    [InlineData("ipv4", "256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4.5")]
    [InlineData("ipv6", ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "g::")]
    [InlineData("uri", "example.com", "/a", "https://", "http://a b", "http://a:99999/", "https://a/%zz", "://a")]
    [InlineData("uri-reference", "a b", "1:a", "%")]
    [InlineData("uuid", "123e4567e89b12d3a456426614174000", "{123e4567-e89b-12d3-a456-426614174000}")]
    [InlineData("json-pointer", "a", "/~2", "/~")]
    [InlineData("relative-json-pointer", "01", "-1", "a", "1#/a")]
    public void AFormat_TakesNothingElse(string format, params string[] texts) =>
        Assert.All(texts, text => Assert.False(TextPattern.ForFormat(format)!.IsMatch(text), text));

    [Theory]
    [InlineData("date", typeof(DateOnly))]
    [InlineData("date-time", typeof(DateTimeOffset))]
    [InlineData("date-time", typeof(DateTime))]
    [InlineData("uuid", typeof(Guid))]
    [InlineData("uri", typeof(Uri))]
    [InlineData("uri-reference", typeof(Uri))]
    public void RandomTextsOfAFormat_AreReadAsDotNetValues(string format, Type type)
    {
        TextPattern pattern = TextPattern.ForFormat(format)!;
        Random random = new(format.Length);
        Assert.All(
            Enumerable.Range(0, WalksPerFormat).Select(walk => PatternWalk.Draw(pattern, random, walk % 80)),
            text => Assert.NotNull(JsonSerializer.Deserialize(JsonSerializer.Serialize(text), type)));
    }

    [Fact]
    public void RandomDurations_AreReadAsTimeSpans()
    {
        TextPattern pattern = TextPattern.ForFormat("duration")!;
        Random random = new(1);
        Assert.All(
            Enumerable.Range(0, WalksPerFormat).Select(walk => PatternWalk.Draw(pattern, random, walk % 80)).Where(text => !text.EndsWith('W')),
            text => Assert.True(XmlConvert.ToTimeSpan(text) >= TimeSpan.Zero));
    }

    [Theory]
    [InlineData("regex")]
    [InlineData("Date")]
    [InlineData("binary")]
    [InlineData("")]
    public void AnUnknownFormat_HasNoPattern(string format) => Assert.Null(TextPattern.ForFormat(format));

    [Fact]
    public void AFormat_IsCompiledOnce() => Assert.Same(TextPattern.ForFormat("uri"), TextPattern.ForFormat("uri"));

    [Fact]
    public void AFormatAndALength_Intersect()
    {
        TextPattern pattern = TextPattern.ForFormat("hostname")!.Intersect(TextPattern.Compile("^.{1,12}$"));
        Assert.True(pattern.IsMatch("example.com"));
        Assert.False(pattern.IsMatch("www.example.com"));
        Assert.Equal(12, pattern.LongestDistance(pattern.Start));
    }
}
