namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Where between the members of an array or object.</summary>
internal enum ContainerPlace
{
    /// <summary>After the opening bracket: a first member or the end.</summary>
    Opened,

    /// <summary>After a member: a comma or the end.</summary>
    AfterMember,

    /// <summary>After a comma: a member.</summary>
    AfterComma,

    /// <summary>After the last member and white space: the end.</summary>
    Closing,
}
