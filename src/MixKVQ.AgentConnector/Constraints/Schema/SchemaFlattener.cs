using System.Text.Json;

namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>
/// Resolves $ref, allOf, anyOf and oneOf: schemas that must all hold become alternatives, each a set of schemas whose own
/// keywords must all hold.
/// </summary>
internal sealed class SchemaFlattener(SchemaDocument document, SchemaFaults faults, Func<IReadOnlyList<SchemaNode>, string, bool> areDisjoint)
{
    private const int MaxAlternatives = 512;

    /// <summary>Bounds the time that any schema can take.</summary>
    private const int MaxWork = 200_000;

    /// <summary>How many $ref, allOf and the like may lead from one to the next without a property or item between.</summary>
    private const int MaxChain = 256;

    private int _work;

    /// <summary>The alternatives; none where a schema is false.</summary>
    public IReadOnlyList<IReadOnlyList<SchemaNode>> Flatten(IReadOnlyList<SchemaNode> schemas)
    {
        var alternatives = new List<IReadOnlyList<SchemaNode>>();
        Expand([], [.. schemas.Select(schema => new Pending(schema, null))], alternatives);
        return alternatives;
    }

    private void Expand(List<SchemaNode> done, List<Pending> open, List<IReadOnlyList<SchemaNode>> alternatives)
    {
        while (open.Count > 0)
        {
            Pending next = open[^1];
            open.RemoveAt(open.Count - 1);
            if (++_work > MaxWork)
            {
                throw new NotSupportedException("The JSON schema is too complex: its anyOf, oneOf, allOf and $ref combine to more cases than are taken. Take a simpler one.");
            }

            if (next.Depth > MaxChain)
            {
                throw new NotSupportedException($"{next.Schema.Pointer}: more than {MaxChain} $ref, allOf, anyOf and oneOf of the JSON schema follow each other. Take a simpler one.");
            }

            if (next.IsOwnAncestor)
            {
                faults.Add(next.Schema.Pointer, "the schema refers to itself with no property or item between, so it says nothing; give it content.");
                return;
            }

            if (next.Schema.IsFalse)
            {
                return;
            }

            if (!next.Schema.IsObject || done.Contains(next.Schema))
            {
                continue;
            }

            done.Add(next.Schema);
            AddReference(next, open);
            AddAll(next, open);
            if (Choices(next) is { Count: > 0 } choices)
            {
                ExpandChoices(choices, 0, done, open, alternatives);
                return;
            }
        }

        alternatives.Add(done);
        if (alternatives.Count > MaxAlternatives)
        {
            throw new NotSupportedException($"The JSON schema's anyOf and oneOf combine to more than {MaxAlternatives} alternatives at one place. Take fewer.");
        }
    }

    private void ExpandChoices(List<List<Pending>> choices, int index, List<SchemaNode> done, List<Pending> open, List<IReadOnlyList<SchemaNode>> alternatives)
    {
        if (index == choices.Count)
        {
            Expand([.. done], [.. open], alternatives);
            return;
        }

        foreach (Pending branch in choices[index])
        {
            ExpandChoices(choices, index + 1, done, [.. open, branch], alternatives);
        }
    }

    private void AddReference(Pending pending, List<Pending> open)
    {
        if (!pending.Schema.TryGet("$ref", out JsonElement reference))
        {
            return;
        }

        string text = reference.ValueKind == JsonValueKind.String ? reference.GetString()! : "";
        if (document.Resolve(text) is { } target)
        {
            open.Add(new Pending(target, pending));
        }
        else
        {
            faults.Add(pending.Schema.PointerTo("$ref"), $"'{Tokens.Excerpt.Of(text)}' names no schema in this document; only JSON pointers such as #/$defs/name are followed.");
        }
    }

    private void AddAll(Pending pending, List<Pending> open)
    {
        foreach (SchemaNode part in Branches(pending.Schema, "allOf"))
        {
            open.Add(new Pending(part, pending));
        }
    }

    private List<List<Pending>> Choices(Pending pending)
    {
        var choices = new List<List<Pending>>();
        foreach (string keyword in (ReadOnlySpan<string>)["anyOf", "oneOf"])
        {
            if (!pending.Schema.TryGet(keyword, out _))
            {
                continue;
            }

            IReadOnlyList<SchemaNode> branches = Branches(pending.Schema, keyword);
            if (keyword == "oneOf" && !areDisjoint(branches, pending.Schema.PointerTo(keyword)))
            {
                faults.Add(pending.Schema.PointerTo(keyword), "a value may fit two branches of oneOf; tell them apart by type or by a required property with different constants, or use anyOf.");
            }

            choices.Add([.. branches.Select(branch => new Pending(branch, pending))]);
        }

        return choices;
    }

    private List<SchemaNode> Branches(SchemaNode schema, string keyword)
    {
        var branches = new List<SchemaNode>();
        if (!schema.TryGet(keyword, out JsonElement list))
        {
            return branches;
        }

        SchemaNode parent = schema.Child(keyword, list);
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            faults.Add(parent.Pointer, "it must be a list of schemas, not empty.");
            return branches;
        }

        int index = 0;
        foreach (JsonElement element in list.EnumerateArray())
        {
            branches.Add(parent.Child($"{index++}", element));
        }

        return branches;
    }

    /// <summary>A schema to expand, and the one that led to it.</summary>
    private sealed record Pending(SchemaNode Schema, Pending? Parent)
    {
        public int Depth { get; } = Parent is null ? 0 : Parent.Depth + 1;

        public bool IsOwnAncestor
        {
            get
            {
                for (Pending? ancestor = Parent; ancestor is not null; ancestor = ancestor.Parent)
                {
                    if (ancestor.Schema.Equals(Schema))
                    {
                        return true;
                    }
                }

                return false;
            }
        }
    }
}
