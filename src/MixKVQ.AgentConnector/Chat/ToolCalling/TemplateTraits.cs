namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>What a chat template can render; what it cannot is put into a form that it can. Immutable.</summary>
internal sealed record TemplateTraits
{
    /// <summary>Whether it describes the offered tools.</summary>
    public bool RendersTools { get; init; } = true;

    /// <summary>Whether it renders calls so that they read back, and their results, turn after turn.</summary>
    public bool RendersToolTurns { get; init; } = true;

    /// <summary>Whether a turn may make several calls.</summary>
    public bool RendersParallelCalls { get; init; } = true;

    /// <summary>Whether text beside calls is to be given as a turn of its own, since it is dropped otherwise.</summary>
    public bool SplitsTextFromCalls { get; init; }

    /// <summary>Whether call ids have to be nine letters and digits.</summary>
    public bool NeedsShortIds { get; init; }

    /// <summary>Whether the dialogue may begin with a system turn.</summary>
    public bool AcceptsSystem { get; init; } = true;

    /// <summary>Whether further system turns may come later.</summary>
    public bool AcceptsLateSystem { get; init; } = true;

    /// <summary>Whether one role may speak twice in a row.</summary>
    public bool AcceptsNeighbours { get; init; } = true;
}
