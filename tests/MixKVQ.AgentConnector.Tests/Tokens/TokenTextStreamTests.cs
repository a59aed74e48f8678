using System.Text;
using CsCheck;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

public class TokenTextStreamTests
{
    [Fact]
    public void RandomIds_StreamAsTheirBytesDecodeAtOnce() =>
        Gen.Int[0, SharedTokenizers.Small.VocabularySize].Array[0, 40].Sample(ids =>
        {
            TokenTextStream stream = SharedTokenizers.Small.OpenTextStream();
            string streamed = string.Concat(ids.Select(stream.Append)) + stream.Flush();
            Assert.Equal(SharedTokenizers.Small.Decode(ids), streamed);

            // Ids below 256 are single bytes in this vocabulary: the platform's decoder is the oracle.
            byte[] bytes = [.. ids.Where(id => id < 256).Select(id => (byte)id)];
            Assert.Equal(Encoding.UTF8.GetString(bytes), SharedTokenizers.Small.Decode([.. bytes]));
        });

    [Fact]
    public void WellFormedText_StreamsInWholeCharacters() =>
        RandomText.WellFormed.Sample(text =>
        {
            TokenTextStream stream = SharedTokenizers.Small.OpenTextStream();
            var streamed = new StringBuilder();
            foreach (byte value in Encoding.UTF8.GetBytes(text))
            {
                string part = stream.Append(value);
                Assert.Equal(part, WellFormedText.Of(part));
                streamed.Append(part);
            }

            Assert.Equal("", stream.Flush());
            Assert.Equal(text, streamed.ToString());
        });

    [Fact]
    public void UnfinishedCharacter_IsHeldBackUntilItIsWhole()
    {
        TokenTextStream stream = SharedTokenizers.Small.OpenTextStream();
        byte[] llama = Encoding.UTF8.GetBytes("🦙");
        Assert.Equal("", stream.Append(llama[0]));
        Assert.Equal("", stream.Append(llama[1]));
        Assert.Equal("", stream.Append(llama[2]));
        Assert.Equal("🦙", stream.Append(llama[3]));
        Assert.Equal("", stream.Flush());
    }

    [Fact]
    public void UnfinishedCharacter_BecomesAReplacementAtTheEndOrBeforeAnAddedToken()
    {
        TokenTextStream stream = SharedTokenizers.Small.OpenTextStream();
        Assert.Equal("", stream.Append(0xF0));
        Assert.Equal("\uFFFD<think>", stream.Append(SharedTokenizers.Small.FindAddedToken("<think>")!.Value));
        Assert.Equal("", stream.Append(0xC3));
        Assert.Equal("\uFFFD", stream.Flush());
        Assert.Equal("", stream.Append(0xC3));
        Assert.Equal("é", stream.Append(0xA9));
    }
}
