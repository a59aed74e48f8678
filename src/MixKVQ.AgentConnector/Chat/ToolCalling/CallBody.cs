using System.Text;

namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>Collects what a model writes after the opening of a call, up to where the call ends. One call; reads each character once.</summary>
internal abstract class CallBody
{
    /// <summary>Everything collected so far, with what ends it.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>Whether this can no longer become a call.</summary>
    public bool IsBroken { get; protected set; }

    /// <summary>Adds text. True once the call has ended, or broken: then <paramref name="rest"/> is what followed it.</summary>
    public bool Append(string text, out string rest)
    {
        for (int i = 0; i < text.Length; i++)
        {
            Text.Append(text[i]);
            if (EndsWith(text[i]) || IsBroken)
            {
                rest = text[(i + 1)..];
                return true;
            }
        }

        rest = "";
        return false;
    }

    /// <summary>Whether the last character, <paramref name="c"/>, ends the call.</summary>
    protected abstract bool EndsWith(char c);

    /// <summary>Whether <see cref="Text"/> ends with <paramref name="tag"/>.</summary>
    protected bool EndsWith(string tag)
    {
        int start = Text.Length - tag.Length;
        for (int i = tag.Length - 1; i >= 0; i--)
        {
            if (start < 0 || Text[start + i] != tag[i])
            {
                return false;
            }
        }

        return true;
    }
}
