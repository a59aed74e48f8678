namespace MixKVQ.AgentConnector.Tests;

public sealed class ByteAmountTests
{
    [Theory]
    [InlineData("12GiB", 12L << 30)]
    [InlineData(" 1.5 MiB ", 3L << 19)]
    [InlineData("500MB", 500_000_000)]
    [InlineData("2tb", 2_000_000_000_000)]
    [InlineData("1048576", 1_048_576)]
    [InlineData("7 B", 7)]
    [InlineData("25%", 250)]
    [InlineData("100 %", 1000)]
    public void AnAmount_IsReadAsPeopleWriteIt(string text, long bytes)
    {
        Assert.True(ByteAmount.TryParseSizeOrShare(text, 1000, out long read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-1GiB")]
    [InlineData("0")]
    [InlineData("0%")]
    [InlineData("101%")]
    [InlineData("1e9")]
    [InlineData("12 apples")]
    [InlineData("99999999999TiB")]
    [InlineData("NaN")]
    public void WhatIsNoAmount_IsRefused(string text) => Assert.False(ByteAmount.TryParseSizeOrShare(text, 1000, out _));
}
