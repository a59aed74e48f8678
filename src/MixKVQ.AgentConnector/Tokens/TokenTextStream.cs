using System.Buffers;
using System.Text;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>
/// Turns token ids into text as they come. Bytes of an unfinished character are held back until it is whole;
/// bytes that cannot become one are U+FFFD. Ids without a token give no text. Not thread-safe.
/// </summary>
internal sealed class TokenTextStream
{
    private readonly TokenBytes _tokenBytes;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    public TokenTextStream(TokenBytes tokenBytes) => _tokenBytes = tokenBytes;

    /// <summary>Takes the next id and returns the text that it completes, which may be empty.</summary>
    public string Append(int id) => Decode(_tokenBytes[id], flush: false);

    /// <summary>Ends the text: returns U+FFFD where a character was left unfinished. The stream can then be used anew.</summary>
    public string Flush() => Decode([], flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        char[] buffer = ArrayPool<char>.Shared.Rent(Encoding.UTF8.GetMaxCharCount(bytes.Length));
        int length = _decoder.GetChars(bytes, buffer, flush);
        string text = new(buffer, 0, length);
        ArrayPool<char>.Shared.Return(buffer);
        return text;
    }
}
