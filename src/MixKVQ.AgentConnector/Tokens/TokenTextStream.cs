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

    private bool _dropsSpace;

    /// <param name="tokenBytes">Of the tokenizer.</param>
    /// <param name="dropsFirstSpace">Whether a space with which the text begins is left out.</param>
    public TokenTextStream(TokenBytes tokenBytes, bool dropsFirstSpace)
    {
        _tokenBytes = tokenBytes;
        _dropsSpace = dropsFirstSpace;
    }

    /// <summary>Takes the next id and returns the text that it completes, which may be empty.</summary>
    public string Append(int id)
    {
        ReadOnlySpan<byte> bytes = _tokenBytes[id];
        if (_dropsSpace && bytes.Length > 0)
        {
            _dropsSpace = false;
            bytes = bytes[0] == ' ' ? bytes[1..] : bytes;
        }

        return Decode(bytes, flush: false);
    }

    /// <summary>Ends the text: returns U+FFFD where a character was left unfinished. More text may follow.</summary>
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
