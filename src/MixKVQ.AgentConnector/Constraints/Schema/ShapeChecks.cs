using System.Globalization;
using System.Text.Json;
using MixKVQ.AgentConnector.Constraints.Automaton;

namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>Which values fit shapes, and whether one value can fit two.</summary>
internal sealed class ShapeChecks(Func<IReadOnlyList<SchemaNode>, IReadOnlyList<Shape>> shapesOf, ShapeMembers members)
{
    /// <summary>How deep discriminators are looked for.</summary>
    private const int MaxDepth = 3;

    /// <summary>Whether a value fits a shape.</summary>
    public bool Admits(Shape shape, JsonElement value)
    {
        if ((KindOf(value) & shape.Kinds) == 0 || shape.Values?.Exists(other => JsonElement.DeepEquals(other, value)) == false)
        {
            return false;
        }

        return value.ValueKind switch
        {
            JsonValueKind.String => AdmitsText(shape, value.GetString()!),
            JsonValueKind.Number => AdmitsNumber(shape, value),
            JsonValueKind.Array => AdmitsArray(shape, value),
            JsonValueKind.Object => AdmitsObject(shape, value),
            _ => true,
        };
    }

    /// <summary>Whether a text fits a shape of strings.</summary>
    public static bool AdmitsText(Shape shape, string text)
    {
        int length = text.EnumerateRunes().Count();
        return length >= shape.MinLength && !(length > shape.MaxLength) && shape.Text?.IsMatch(text) != false;
    }

    /// <summary>Whether certainly no value fits both.</summary>
    public bool AreDisjoint(Shape left, Shape right, int depth = 0)
    {
        if (left.Values is not null)
        {
            return !left.Values.Exists(value => Admits(left, value) && Admits(right, value));
        }

        if (right.Values is not null)
        {
            return AreDisjoint(right, left, depth);
        }

        ValueKinds common = left.Kinds & right.Kinds;
        return ((common & ValueKinds.Number) == 0 || left.High < right.Low || right.High < left.Low) &&
            ((common & ValueKinds.String) == 0 || (left.Text is not null && right.Text is not null && left.Text.Intersect(right.Text).IsEmpty)) &&
            ((common & ValueKinds.Object) == 0 || ObjectsAreDisjoint(left, right, depth) || ObjectsAreDisjoint(right, left, depth)) &&
            (common & (ValueKinds.Null | ValueKinds.Boolean | ValueKinds.Array)) == 0;
    }

    private bool ObjectsAreDisjoint(Shape left, Shape right, int depth)
    {
        if (depth >= MaxDepth)
        {
            return false;
        }

        foreach (string name in left.Required)
        {
            IReadOnlyList<Shape> others = shapesOf(members.OfProperty(right, name));

            // What the other forbids it need not require to be told apart.
            if (others.Count == 0)
            {
                return true;
            }

            if (right.Required.Contains(name) &&
                shapesOf(members.OfProperty(left, name)).All(one => others.All(other => AreDisjoint(one, other, depth + 1))))
            {
                return true;
            }
        }

        return false;
    }

    private static ValueKinds KindOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => ValueKinds.Null,
        JsonValueKind.True or JsonValueKind.False => ValueKinds.Boolean,
        JsonValueKind.String => ValueKinds.String,
        JsonValueKind.Array => ValueKinds.Array,
        JsonValueKind.Object => ValueKinds.Object,
        _ => IsWhole(value) ? ValueKinds.Integer : ValueKinds.Fraction,
    };

    private static bool IsWhole(JsonElement number) =>
        decimal.TryParse(number.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out decimal value)
            ? value == decimal.Floor(value)
            : number.TryGetDouble(out double large) && Math.Abs(large) > 1;

    private static bool AdmitsNumber(Shape shape, JsonElement value)
    {
        bool isLow = shape.Low > -NumberRule.MaxUnits && DecimalUnits.Floor(value) < shape.Low;
        bool isHigh = shape.High < NumberRule.MaxUnits && DecimalUnits.Ceiling(value) > shape.High;
        bool isOnGrid = shape.Grid == 1 || (DecimalUnits.Exact(value) is { } units && units % shape.Grid == 0);
        return !isLow && !isHigh && isOnGrid;
    }

    private bool AdmitsArray(Shape shape, JsonElement value)
    {
        int count = value.GetArrayLength();
        if (count < shape.MinItems || count > shape.MaxItems)
        {
            return false;
        }

        int index = 0;
        foreach (JsonElement item in value.EnumerateArray())
        {
            if (!AdmitsMember(members.OfItem(shape, index++), item))
            {
                return false;
            }
        }

        return true;
    }

    private bool AdmitsObject(Shape shape, JsonElement value)
    {
        int count = value.GetPropertyCount();
        if (count < shape.MinProperties || count > shape.MaxProperties || shape.Required.Any(name => !value.TryGetProperty(name, out _)))
        {
            return false;
        }

        IReadOnlyList<SchemaNode> names = members.OfNames(shape);
        foreach (JsonProperty property in value.EnumerateObject())
        {
            if (!AdmitsMember(members.OfProperty(shape, property.Name), property.Value) ||
                (names.Count > 0 && !AdmitsMember(names, JsonSerializer.SerializeToElement(property.Name))))
            {
                return false;
            }
        }

        return true;
    }

    private bool AdmitsMember(IReadOnlyList<SchemaNode> schemas, JsonElement value) =>
        schemas.Count == 0 || shapesOf(schemas).Any(shape => Admits(shape, value));
}
