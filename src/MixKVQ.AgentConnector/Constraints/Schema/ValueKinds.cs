namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>Kinds of JSON values. Numbers are integers and others.</summary>
[Flags]
internal enum ValueKinds
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Fraction = 8,
    String = 16,
    Array = 32,
    Object = 64,
    Number = Integer | Fraction,
    All = Null | Boolean | Number | String | Array | Object,
}
