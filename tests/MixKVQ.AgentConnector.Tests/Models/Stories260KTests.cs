using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models;

public sealed class Stories260KTests
{
    private const int BeginToken = 1;
    private const int PublishedTokens = 200;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GreedyText_IsThePublishedOne(bool rotateValues)
    {
        string expected = File.ReadAllText(Fixtures.Shared("stories260K", "expected_stdout.txt"));
        byte[][] pieces = ReadPieces(Fixtures.Shared("stories260K", "tok512.bin"));
        using var stories = new Stories260K(Fixtures.Shared("stories260K", "stories260K.bin"));
        using DecoderModel model = DecoderModel.Load(stories.Folder, CPU, null, rotateValues);
        using KvCacheFactory factory = DecoderRun.FullPrecision(model);
        using KvCache cache = factory.Create();

        var text = new List<byte>();
        int token = BeginToken;
        for (int step = 0; step < PublishedTokens; step++)
        {
            using Tensor logits = model.Forward(new ForwardStep(new[] { token }, cache));
            float[] scores = logits.data<float>().ToArray();
            int next = Array.IndexOf(scores, scores.Max());
            text.AddRange(token == BeginToken ? pieces[next].AsSpan().TrimStart((byte)' ') : pieces[next]);
            token = next;
        }

        Assert.Equal(rotateValues, model.RotatesValues);
        Assert.Equal(expected.TrimEnd('\n'), Encoding.UTF8.GetString([.. text]).TrimEnd('\n'));
    }

    // int32 longest piece, then for each token a float32 score, an int32 length and as many bytes; <0xNN> stands for a byte.
    private static byte[][] ReadPieces(string path)
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(path);
        var pieces = new List<byte[]>();
        for (int position = 4; position < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(file[(position + 4)..]);
            string piece = Encoding.Latin1.GetString(file.Slice(position + 8, length));
            pieces.Add(piece.StartsWith("<0x", StringComparison.Ordinal)
                ? [byte.Parse(piece.AsSpan(3, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)]
                : Encoding.Latin1.GetBytes(piece));
            position += 8 + length;
        }

        return [.. pieces];
    }
}
