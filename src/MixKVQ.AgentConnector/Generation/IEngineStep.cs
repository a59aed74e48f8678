namespace MixKVQ.AgentConnector.Generation;

/// <summary>Work that the engine's thread does in one go. Used by that thread alone while it is in the engine's hands.</summary>
internal interface IEngineStep
{
    /// <summary>Does the work. True if that was all of it, false if it is to be queued again.</summary>
    bool Advance();

    /// <summary>Ends the work with an exception; it takes no further step.</summary>
    void Fail(Exception exception);
}
