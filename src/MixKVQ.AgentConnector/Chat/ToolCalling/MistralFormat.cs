using System.Security.Cryptography;

namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary><c>[TOOL_CALLS] [{"name": …, "arguments": …}, …]</c>, or <c>[TOOL_CALLS]name[ARGS]{…}</c> for each call: Mistral.</summary>
/// <param name="writesNameFirst">Whether the model writes the second form. Both are read.</param>
internal sealed class MistralFormat(bool writesNameFirst) : ToolCallFormat
{
    /// <summary>What begins calls.</summary>
    public const string Tag = "[TOOL_CALLS]";

    /// <summary>Stands between name and arguments in the second form.</summary>
    public const string ArgumentsTag = "[ARGS]";

    /// <summary>How long Mistral's templates want an id to be, all of it letters and digits.</summary>
    public const int IdLength = 9;

    /// <summary>What such an id is made of.</summary>
    public const string IdAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    private const string IdTag = "[CALL_ID]";

    private static readonly ToolCallLayout List = new(
        Tag,
        OpensAnswerOnly: false,
        " [",
        [CallPart.Literal("{\"name\": \""), CallPart.Name, CallPart.Literal("\", \"arguments\": "), CallPart.Arguments, CallPart.Literal("}")],
        ", ",
        "]");

    private static readonly ToolCallLayout NameFirst = new(Tag, OpensAnswerOnly: false, "", [CallPart.Name, CallPart.Literal(ArgumentsTag), CallPart.Arguments], Tag, "");

    /// <inheritdoc/>
    public override ToolCallLayout Layout => writesNameFirst ? NameFirst : List;

    /// <inheritdoc/>
    public override CallOpening FindOpening(ReadOnlySpan<char> text, CallPlace place)
    {
        if (place == CallPlace.AfterCall && FindInList(text) is { Kind: not CallOpeningKind.None } inList)
        {
            return inList;
        }

        switch (CallOpening.Begins(text, Tag))
        {
            case false:
                return CallOpening.None;
            case null:
                return CallOpening.Undecided;
        }

        int start = CallOpening.SkipSpace(text, Tag.Length);
        if (start < text.Length && text[start] == '[')
        {
            start = CallOpening.SkipSpace(text, start + 1);
        }

        return start == text.Length ? CallOpening.Undecided : CallOpening.Call(start, new JsonBody());
    }

    /// <inheritdoc/>
    public override ToolCall? Read(string opening, string body, OfferedTools offered)
    {
        string[] parts = body.Split(ArgumentsTag, 2);
        if (body[0] == '{' || parts.Length < 2)
        {
            return body[0] == '{' ? ReadJsonCall(body) : null;
        }

        string name = parts[0].Split(IdTag)[0].Trim();
        return name.Length > 0 && ToolCallJson.TryReadArguments(parts[1], out var arguments) ? ToolCallJson.ToCall(NewId(), name, arguments) : null;
    }

    /// <inheritdoc/>
    protected override string NewId() => RandomNumberGenerator.GetString(IdAlphabet, IdLength);

    /// <summary>What may follow an element of a list: the next one, or the list's end.</summary>
    private static CallOpening FindInList(ReadOnlySpan<char> text)
    {
        int start = CallOpening.SkipSpace(text, 0);
        if (start == text.Length)
        {
            return CallOpening.Undecided;
        }

        if (text[start] == ']')
        {
            return CallOpening.Dropped(start + 1);
        }

        if (text[start] != ',')
        {
            return CallOpening.None;
        }

        int next = CallOpening.SkipSpace(text, start + 1);
        return next == text.Length ? CallOpening.Undecided : text[next] == '{' ? CallOpening.Call(next, new JsonBody()) : CallOpening.None;
    }
}
