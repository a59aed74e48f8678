using System.Text.Json;
using MixKVQ.AgentConnector.Constraints.Automaton;
using MixKVQ.AgentConnector.Constraints.Patterns;

namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>What a set of schemas says together of a value, without the schemas of members.</summary>
internal sealed class Shape
{
    /// <summary>The schemas, for their members.</summary>
    public required IReadOnlyList<SchemaNode> Schemas { get; init; }

    public ValueKinds Kinds { get; set; } = ValueKinds.All;

    /// <summary>The values that enum and const leave; null without them.</summary>
    public List<JsonElement>? Values { get; set; }

    public int MinLength { get; set; }

    public int? MaxLength { get; set; }

    /// <summary>What pattern and format leave of strings; null without them.</summary>
    public TextPattern? Text { get; set; }

    /// <summary>The least number, in units of <see cref="NumberRule"/>.</summary>
    public Int128 Low { get; set; } = -NumberRule.MaxUnits;

    public Int128 High { get; set; } = NumberRule.MaxUnits;

    /// <summary>Numbers are multiples of this.</summary>
    public Int128 Grid { get; set; } = 1;

    public int MinItems { get; set; }

    public int? MaxItems { get; set; }

    public int MinProperties { get; set; }

    public int? MaxProperties { get; set; }

    public SortedSet<string> Required { get; } = new(StringComparer.Ordinal);
}
