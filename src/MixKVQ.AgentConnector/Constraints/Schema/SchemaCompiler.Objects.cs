using System.Text.Json;
using MixKVQ.AgentConnector.Constraints.Automaton;
using MixKVQ.AgentConnector.Constraints.Patterns;

namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>The part for objects.</summary>
internal sealed partial class SchemaCompiler
{
    private ObjectRule ObjectOf(Shape shape)
    {
        IReadOnlyList<(string Source, TextPattern Pattern)> patterns = _members.Patterns(shape);
        IReadOnlyList<SchemaNode> nameSchemas = _members.OfNames(shape);
        IReadOnlyList<Shape> nameShapes = nameSchemas.Count == 0 ? [] : ShapesOf(nameSchemas);
        var known = new SortedSet<string>(_members.Names(shape), StringComparer.Ordinal);
        var kinds = new List<NameKind>();
        if (patterns.Count > 0)
        {
            AddPatternKinds(shape, patterns, nameSchemas, kinds);
        }
        else if (ShapeMembers.HasOthers(shape))
        {
            AddOtherKinds(shape, nameSchemas, nameShapes, known, kinds);
        }

        var names = new List<ObjectName>(known.Count);
        foreach (string name in known)
        {
            bool isAllowed = nameSchemas.Count == 0 || nameShapes.Any(one => _checks.Admits(one, JsonSerializer.SerializeToElement(name)));
            Rule value = isAllowed ? RuleOf(_members.OfProperty(shape, name)) : _rules.Add(new ChoiceRule());
            names.Add(new ObjectName(JsonText(name)[1..^1], MemberOf(value), shape.Required.Contains(name)));
        }

        return _rules.Add(new ObjectRule(names, kinds, shape.MinProperties, shape.MaxProperties));
    }

    private void AddPatternKinds(Shape shape, IReadOnlyList<(string Source, TextPattern Pattern)> patterns, IReadOnlyList<SchemaNode> nameSchemas, List<NameKind> kinds)
    {
        for (int left = 0; left < patterns.Count; left++)
        {
            for (int right = 0; right < left; right++)
            {
                if (!Intersect(patterns[left].Pattern, patterns[right].Pattern, shape).IsEmpty)
                {
                    Fault(shape, "patternProperties", $"a name may fit both '{Tokens.Excerpt.Of(patterns[left].Source)}' and '{Tokens.Excerpt.Of(patterns[right].Source)}'; make the patterns exclude each other.");
                }
            }

            if (nameSchemas.Count > 0)
            {
                Fault(shape, "propertyNames", "'propertyNames' beside 'patternProperties' is not supported.");
            }

            if (!patterns[left].Pattern.IsEmpty)
            {
                Add(kinds, new PatternStringRule(patterns[left].Pattern, hasEscapes: false), _members.OfPattern(shape, patterns[left].Source));
            }
        }
    }

    private void AddOtherKinds(Shape shape, IReadOnlyList<SchemaNode> nameSchemas, IReadOnlyList<Shape> nameShapes, SortedSet<string> known, List<NameKind> kinds)
    {
        if (nameSchemas.Count == 0)
        {
            Add(kinds, new FreeStringRule(1, MaxNameLength, hasEscapes: false), _members.OfOthers(shape));
        }
        else if (nameShapes.All(one => one.Values is not null))
        {
            known.UnionWith(nameShapes.SelectMany(one => one.Values!).Where(value => value.ValueKind == JsonValueKind.String).Select(value => value.GetString()!));
        }
        else if (nameShapes is [{ Values: null } one])
        {
            StringRule names = one.Text is null
                ? new FreeStringRule(Math.Max(1, one.MinLength), Math.Min(one.MaxLength ?? MaxNameLength, Math.Max(MaxNameLength, one.MinLength)), hasEscapes: false)
                : new PatternStringRule(WithLength(one.Text, one.MinLength, one.MaxLength, one), hasEscapes: false);
            Add(kinds, names, _members.OfOthers(shape));
        }
        else
        {
            Fault(shape, "propertyNames", "alternatives in 'propertyNames' are not supported; use a pattern or an enum.");
        }
    }

    private void Add(List<NameKind> kinds, StringRule name, IReadOnlyList<SchemaNode> schemas)
    {
        if (!schemas.Any(schema => schema.IsFalse) && name.Missing(name.Start) < Rule.Never)
        {
            kinds.Add(new NameKind(name, MemberOf(RuleOf(schemas))));
        }
    }

    private TextPattern Intersect(TextPattern left, TextPattern right, Shape shape)
    {
        try
        {
            return left.Intersect(right);
        }
        catch (NotSupportedException fault)
        {
            Fault(shape, "patternProperties", fault.Message);
            return left;
        }
    }

    private void Fault(Shape shape, string keyword, string reason)
    {
        SchemaNode schema = shape.Schemas.First(node => node.TryGet(keyword, out _));
        _faults.Add(schema.PointerTo(keyword), reason);
    }
}
