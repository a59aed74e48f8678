using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>The names of conversations' files in a folder. An id that is not of the form this library gives is never part of one.</summary>
internal static class ConversationFileName
{
    private const string Extension = ".mixkvq";
    private const string IdStart = "conv_";
    private const int MaxIdLength = 64;

    /// <summary>The name of a conversation's file.</summary>
    public static string Of(string id) =>
        id.Length is > 5 and <= MaxIdLength && id.StartsWith(IdStart, StringComparison.Ordinal) && !id.AsSpan(IdStart.Length).ContainsAnyExcept(LowerHex)
            ? id + Extension
            : $"id_{Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(id.AsSpan())))}{Extension}";

    /// <summary>Whether a file of this name is a conversation's, or says so.</summary>
    public static bool IsConversation(string name) => name.EndsWith(Extension, StringComparison.Ordinal);

    private static SearchValues<char> LowerHex { get; } = SearchValues.Create("0123456789abcdef");
}
