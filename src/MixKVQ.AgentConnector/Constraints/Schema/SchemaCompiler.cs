using System.Text;
using System.Text.Json;
using MixKVQ.AgentConnector.Constraints.Automaton;
using MixKVQ.AgentConnector.Constraints.Patterns;

namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>Turns a JSON schema into rules. One set of schemas that must hold together is one rule, whoever asks for it.</summary>
internal sealed partial class SchemaCompiler
{
    /// <summary>Names that no schema mentions have at most so many characters.</summary>
    private const int MaxNameLength = 64;

    /// <summary>How deep one oneOf may lie in the members that tell the branches of another apart.</summary>
    private const int MaxNestedChoices = 16;

    private readonly RuleSet _rules;
    private readonly SchemaDocument _document;
    private readonly SchemaFaults _faults = new();
    private readonly SchemaFlattener _flattener;
    private readonly ShapeReader _reader;
    private readonly ShapeMembers _members;
    private readonly ShapeChecks _checks;
    private readonly HashSet<string> _checkedChoices = new(StringComparer.Ordinal);
    private int _nestedChoices;
    private readonly Dictionary<string, ChoiceRule> _known = new(StringComparer.Ordinal);
    private readonly Queue<(IReadOnlyList<SchemaNode> Schemas, ChoiceRule Rule)> _open = new();

    /// <exception cref="NotSupportedException">The schema is too large or is no schema.</exception>
    public SchemaCompiler(JsonElement schema, RuleSet rules)
    {
        _rules = rules;
        _document = new SchemaDocument(schema);
        _flattener = new SchemaFlattener(_document, _faults, AreDisjoint);
        _reader = new ShapeReader(_faults);
        _members = new ShapeMembers(_faults);
        _checks = new ShapeChecks(ShapesOf, _members);
    }

    /// <exception cref="NotSupportedException">The schema uses what is not supported; the message names every keyword.</exception>
    public Rule Compile()
    {
        Rule root = RuleOf([_document.Root]);
        while (_open.TryDequeue(out (IReadOnlyList<SchemaNode> Schemas, ChoiceRule Rule) next))
        {
            next.Rule.Branches = [.. ShapesOf(next.Schemas).SelectMany(RulesOf)];
        }

        _faults.ThrowIfAny();
        return root;
    }

    /// <summary>The rule of values that fit all the schemas. Its content comes later, so that recursion ends.</summary>
    private ChoiceRule RuleOf(IReadOnlyList<SchemaNode> schemas)
    {
        string key = string.Join(' ', schemas.Select(schema => schema.Pointer).Distinct().Order(StringComparer.Ordinal));
        if (!_known.TryGetValue(key, out ChoiceRule? rule))
        {
            rule = _rules.Add(new ChoiceRule());
            _known.Add(key, rule);
            _open.Enqueue((schemas, rule));
        }

        return rule;
    }

    private Shape[] ShapesOf(IReadOnlyList<SchemaNode> schemas) => [.. _flattener.Flatten(schemas).Select(_reader.Read)];

    private bool AreDisjoint(IReadOnlyList<SchemaNode> branches, string pointer)
    {
        // Each oneOf is looked at once; on the way its own members may lead back to it.
        if (!_checkedChoices.Add(pointer))
        {
            return true;
        }

        if (_nestedChoices >= MaxNestedChoices)
        {
            return false;
        }

        _nestedChoices++;
        bool areDisjoint = AreDisjoint(branches);
        _nestedChoices--;
        return areDisjoint;
    }

    private bool AreDisjoint(IReadOnlyList<SchemaNode> branches)
    {
        Shape[][] shapes = [.. branches.Select(branch => ShapesOf([branch]))];
        for (int left = 0; left < shapes.Length; left++)
        {
            for (int right = 0; right < left; right++)
            {
                if (!shapes[left].All(one => shapes[right].All(other => _checks.AreDisjoint(one, other))))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private List<Rule> RulesOf(Shape shape)
    {
        if (shape.Values is not null)
        {
            return ValuesRules(shape.Values.Where(value => _checks.Admits(shape, value)));
        }

        var rules = new List<Rule>();
        var literals = new List<byte[]>();
        if (shape.Kinds.HasFlag(ValueKinds.Null))
        {
            literals.Add("null"u8.ToArray());
        }

        if (shape.Kinds.HasFlag(ValueKinds.Boolean))
        {
            literals.AddRange("true"u8.ToArray(), "false"u8.ToArray());
        }

        if (literals.Count > 0)
        {
            rules.Add(_rules.Add(LiteralsRule(literals)));
        }

        if ((shape.Kinds & ValueKinds.Number) != 0)
        {
            rules.Add(_rules.Add(new NumberRule(shape.Low, shape.High, shape.Grid, isInteger: !shape.Kinds.HasFlag(ValueKinds.Fraction))));
        }

        if (shape.Kinds.HasFlag(ValueKinds.String))
        {
            rules.Add(_rules.Add(StringOf(shape)));
        }

        if (shape.Kinds.HasFlag(ValueKinds.Array))
        {
            rules.Add(ArrayOf(shape));
        }

        if (shape.Kinds.HasFlag(ValueKinds.Object))
        {
            rules.Add(ObjectOf(shape));
        }

        return rules;
    }

    private StringRule StringOf(Shape shape)
    {
        // A character beyond U+FFFF is one for JSON Schema and two for a reader that wants a char.
        TextPattern? text = shape is { Text: null, MaxLength: 1 } ? TextPattern.Compile(@"^[\u0000-\uFFFF]*$") : shape.Text;
        return text is null
            ? new FreeStringRule(shape.MinLength, shape.MaxLength)
            : new PatternStringRule(WithLength(text, shape.MinLength, shape.MaxLength, shape));
    }

    private TextPattern WithLength(TextPattern text, int min, int? max, Shape shape)
    {
        try
        {
            bool isLong = text.IsEmpty || text.ShortestDistance(text.Start) >= min;
            bool isShort = max is null || text.IsEmpty || text.LongestDistance(text.Start) <= max;
            return isLong && isShort ? text : max < min ? text.Intersect(TextPattern.Compile("^$")).Intersect(TextPattern.Compile("^.$"))
                : text.Intersect(TextPattern.Compile($@"^[\s\S]{{{min},{max}}}$"));
        }
        catch (NotSupportedException fault)
        {
            _faults.Add(shape.Schemas[0].Pointer, $"pattern or format together with these lengths is too large: {fault.Message}");
            return text;
        }
    }

    private ArrayRule ArrayOf(Shape shape)
    {
        foreach (SchemaNode schema in shape.Schemas)
        {
            if (schema.TryGet("uniqueItems", out JsonElement unique) && unique.ValueKind == JsonValueKind.True && !(shape.MaxItems <= 1))
            {
                _faults.Add(schema.PointerTo("uniqueItems"), "'uniqueItems' is not supported but with at most one item.");
            }
        }

        int count = Math.Min(ShapeMembers.FirstItems(shape), shape.MaxItems ?? int.MaxValue);
        Rule[] first = [.. Enumerable.Range(0, count).Select(index => RuleOf(_members.OfItem(shape, index)))];
        Rule? others = shape.MaxItems <= count ? null : RuleOf(_members.OfItem(shape, int.MaxValue));
        return _rules.Add(new ArrayRule(first, others, shape.MinItems, shape.MaxItems));
    }

    private static LiteralRule LiteralsRule(List<byte[]> literals)
    {
        literals.Sort((left, right) => left.AsSpan().SequenceCompareTo(right));
        for (int index = literals.Count - 1; index > 0; index--)
        {
            if (literals[index].AsSpan().SequenceEqual(literals[index - 1]))
            {
                literals.RemoveAt(index);
            }
        }

        return new LiteralRule(literals);
    }

    private List<Rule> ValuesRules(IEnumerable<JsonElement> values)
    {
        var rules = new List<Rule>();
        var literals = new List<byte[]>();
        foreach (JsonElement value in values)
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Array:
                    Rule[] items = [.. value.EnumerateArray().Select(ConstantRule)];
                    rules.Add(_rules.Add(new ArrayRule(items, null, items.Length, items.Length)));
                    break;
                case JsonValueKind.Object:
                    ObjectName[] names = [.. value.EnumerateObject().DistinctBy(property => property.Name)
                        .Select(property => new ObjectName(JsonText(property.Name)[1..^1], MemberOf(ConstantRule(value.GetProperty(property.Name))), IsRequired: true))];
                    rules.Add(_rules.Add(new ObjectRule(names, [], 0, null)));
                    break;
                case JsonValueKind.String:
                    literals.Add(JsonText(value.GetString()!));
                    break;
                default:
                    literals.Add(Encoding.UTF8.GetBytes(value.GetRawText()));
                    break;
            }
        }

        if (literals.Count > 0)
        {
            rules.Add(_rules.Add(LiteralsRule(literals)));
        }

        return rules;
    }

    private ChoiceRule ConstantRule(JsonElement value) => _rules.Add(new ChoiceRule { Branches = ValuesRules([value]) });

    private SequenceRule MemberOf(Rule value) => _rules.Add(new SequenceRule([_rules.Add(new TextRule(":"u8.ToArray())), SpaceRule.OneSpace, value]));

    /// <summary>A string as JSON, with escapes only where they must be.</summary>
    private static byte[] JsonText(string text) => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(text, Plain));

    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
