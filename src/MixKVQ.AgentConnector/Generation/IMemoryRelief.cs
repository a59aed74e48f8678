namespace MixKVQ.AgentConnector.Generation;

/// <summary>What is done about exhausted memory. Safe for concurrent use.</summary>
internal interface IMemoryRelief
{
    /// <summary>Lets go of all memory that no turn works on.</summary>
    void MakeRoom();

    /// <summary>What the caller is told where that did not suffice.</summary>
    /// <param name="cause">The allocation's failure.</param>
    Exception Refusal(Exception cause);
}
