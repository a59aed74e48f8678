using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Attributes, items and methods of values.</summary>
internal static class Members
{
    /// <summary><c>value.name</c>: an entry, else a method; undefined where there is neither, and on undefined and none.</summary>
    public static TemplateValue Get(TemplateRun run, TemplateValue value, string name)
    {
        TemplateValue? member = value switch
        {
            MapValue map => map.Entries.GetValueOrDefault(name) ?? MapMethods.Find(run, map, name),
            NamespaceValue owner => owner.Entries.GetValueOrDefault(name),
            LoopValue loop => loop.Get(name),
            StringValue text => StringMethods.Find(run, text.Text, name),
            ListValue list when name == "length" => NumberValue.Integer(list.Items.Count),
            _ => null,
        };
        return member ?? UndefinedValue.Instance;
    }

    /// <summary><c>value[index]</c>: an item by its place, from the end where negative, or a member by its name.</summary>
    public static TemplateValue Get(TemplateRun run, TemplateValue value, TemplateValue index)
    {
        switch (index)
        {
            case StringValue name:
                run.StepOver(name.Text);
                return Get(run, value, name.Text);
            case NumberValue number when value is ListValue list:
                return Place(number, list.Items.Count) is int item ? list.Items[item] : UndefinedValue.Instance;
            case NumberValue number when value is StringValue text:
                return Place(number, text.Text.Length) is int unit ? new StringValue(text.Text[unit].ToString()) : UndefinedValue.Instance;
            case NumberValue number when value is MapValue map:
                return map.Entries.GetValueOrDefault(number.ToString()) ?? UndefinedValue.Instance;
            case UndefinedValue or NoneValue when value is MapValue:
                return UndefinedValue.Instance;
            default:
                throw run.Error($"{value.Kind} has no item for an index of kind {index.Kind}");
        }
    }

    /// <summary>The value at a path of names and places such as <c>function.name</c>.</summary>
    public static TemplateValue GetPath(TemplateRun run, TemplateValue value, string path)
    {
        if (path.Length > TemplateLimits.MaxNameChars)
        {
            throw run.Error($"an attribute's path is longer than {TemplateLimits.MaxNameChars} characters");
        }

        foreach (string part in path.Split('.'))
        {
            run.Step();
            value = value switch
            {
                MapValue map => map.Entries.GetValueOrDefault(part) ?? UndefinedValue.Instance,
                ListValue list when int.TryParse(part, out int item) && item >= 0 && item < list.Items.Count => list.Items[item],
                NamespaceValue owner => owner.Entries.GetValueOrDefault(part) ?? UndefinedValue.Instance,
                _ => UndefinedValue.Instance,
            };
        }

        return value;
    }

    private static int? Place(NumberValue number, int count)
    {
        double place = number.Value < 0 ? number.Value + count : number.Value;
        return number.IsInteger && place >= 0 && place < count ? (int)place : null;
    }
}
