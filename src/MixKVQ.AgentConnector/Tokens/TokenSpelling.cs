using System.Globalization;
using System.Text;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>How a vocabulary's tokens spell the bytes they stand for: what the "decoder" of tokenizer.json says. Immutable.</summary>
internal sealed record TokenSpelling
{
    private const int ByteTokenLength = 6;

    /// <summary>Tokens are written in <see cref="ByteAlphabet"/>.</summary>
    public static TokenSpelling ByteLevel { get; } = new() { IsByteLevel = true };

    public bool IsByteLevel { get; init; }

    /// <summary>Replaced in each token, in order: U+2581 by a space.</summary>
    public IReadOnlyList<(string Old, string New)> Replacements { get; init; } = [];

    /// <summary>Whether a token such as &lt;0x0A&gt; is that byte.</summary>
    public bool HasByteTokens { get; init; }

    /// <summary>Whether a text loses the space with which it begins, since encoding puts one there.</summary>
    public bool DropsFirstSpace { get; init; }

    /// <summary>The token for a byte, where there are byte tokens.</summary>
    public static string ByteToken(byte value) => string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>");

    /// <summary>Appends the bytes that a token stands for.</summary>
    public void AppendBytes(string token, List<byte> bytes)
    {
        if (IsByteLevel)
        {
            ByteAlphabet.AppendTokenBytes(token, bytes);
            return;
        }

        foreach ((string old, string @new) in Replacements)
        {
            token = token.Replace(old, @new, StringComparison.Ordinal);
        }

        if (HasByteTokens && token.Length == ByteTokenLength && token.StartsWith("<0x", StringComparison.Ordinal) && token[^1] == '>' &&
            byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
        {
            bytes.Add(value);
        }
        else
        {
            bytes.AddRange(Encoding.UTF8.GetBytes(token));
        }
    }
}
