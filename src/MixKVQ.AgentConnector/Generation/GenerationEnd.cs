namespace MixKVQ.AgentConnector.Generation;

/// <summary>Why a generation ended by itself.</summary>
internal enum GenerationEnd
{
    /// <summary>The model generated an end token.</summary>
    EndToken,

    /// <summary>The output is as long as was asked for.</summary>
    OutputLimit,

    /// <summary>Prompt and output fill the context.</summary>
    ContextLimit,
}
