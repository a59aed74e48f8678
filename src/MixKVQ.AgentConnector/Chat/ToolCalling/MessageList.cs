using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>Gathers a template's messages; joins what one role says in a row where the template insists that roles alternate. All text given is guarded.</summary>
internal sealed class MessageList(bool acceptsNeighbours)
{
    private const string Separator = "\n\n";

    private readonly JsonArray _messages = [];
    private JsonObject? _lastText;
    private bool _isOpen;

    /// <summary>Adds a message that is more than text.</summary>
    public void Add(JsonObject message)
    {
        _messages.Add((JsonNode)message);
        _lastText = null;
        _isOpen = false;
    }

    /// <summary>Adds what a role says.</summary>
    public void AddText(string role, string text, string? reasoning = null)
    {
        bool continues = _isOpen && role == "assistant";
        if (_lastText is not null && (continues || (!acceptsNeighbours && _lastText["role"]!.GetValue<string>() == role)))
        {
            string said = _lastText["content"]!.GetValue<string>();
            _lastText["content"] = continues || said.Length == 0 ? said + text : text.Length == 0 ? said : said + Separator + text;
            _isOpen = false;
            return;
        }

        var message = new JsonObject { ["role"] = role, ["content"] = text };
        if (reasoning is not null)
        {
            message["reasoning_content"] = reasoning;
        }

        Add(message);
        _lastText = message;
    }

    /// <summary>Adds text to the model's turn and leaves that open: what the model says next is part of it.</summary>
    public void AddInsideAnswer(string text)
    {
        if (_lastText?["role"]!.GetValue<string>() == "assistant")
        {
            _lastText["content"] = _lastText["content"]!.GetValue<string>() + text;
        }
        else
        {
            AddText("assistant", text);
        }

        _isOpen = true;
    }

    /// <summary>The dialogue; of an open turn, with a mark where it stands.</summary>
    public TemplateDialogue ToDialogue()
    {
        string? end = null;
        if (_isOpen)
        {
            // Random, so that no text can forge it.
            end = $"end-{Guid.NewGuid():N}";
            _lastText!["content"] = _lastText["content"]!.GetValue<string>() + end;
        }

        return new TemplateDialogue(_messages, end);
    }
}
