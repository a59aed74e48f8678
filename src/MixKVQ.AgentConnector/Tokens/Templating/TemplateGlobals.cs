using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>The functions that every template has.</summary>
internal static class TemplateGlobals
{
    /// <summary>Adds the functions to a scope.</summary>
    public static void AddTo(TemplateScope scope, TemplateRun run)
    {
        Add(scope, "namespace", arguments => new NamespaceValue(Entries(run, arguments)));
        Add(scope, "dict", arguments => new MapValue(Entries(run, arguments)));
        Add(scope, "range", arguments => Range(run, arguments));
        Add(scope, "raise_exception", arguments => throw run.Error($"the template refuses its input: {arguments.RequireText(0, "message")}"));
        Add(scope, "strftime_now", arguments => run.Text(TimeFormat.Format(run, run.Now, arguments.RequireText(0, "format"))));
    }

    private static void Add(TemplateScope scope, string name, Func<CallArguments, TemplateValue> function)
        => scope.Set(name, new FunctionValue(name, (arguments, _) => function(arguments)));

    /// <summary>The entries of a mapping or of pairs, then the keyword arguments.</summary>
    private static OrderedDictionary<string, TemplateValue> Entries(TemplateRun run, CallArguments arguments)
    {
        var entries = new OrderedDictionary<string, TemplateValue>(StringComparer.Ordinal);
        IEnumerable<TemplateValue> pairs = arguments.Find(0, "") switch
        {
            null => [],
            MapValue map => Iteration.Pairs(run, map).Items,
            TemplateValue other => Iteration.Items(run, other),
        };
        foreach (TemplateValue pair in pairs)
        {
            if (pair is not ListValue { Items: [StringValue key, TemplateValue value] })
            {
                throw run.Error("expected a mapping or pairs of a string and a value");
            }

            run.StepOver(key.Text);
            run.ReserveEntries(1);
            entries[key.Text] = value;
        }

        run.ReserveEntries(arguments.Keywords.Count);
        foreach ((string name, TemplateValue value) in arguments.Keywords)
        {
            entries[name] = value;
        }

        return entries;
    }

    private static ListValue Range(TemplateRun run, CallArguments arguments)
    {
        bool hasStart = arguments.Find(1, "stop") is not null;
        long start = hasStart ? arguments.Integer(0, "start", 0) : 0;
        long stop = arguments.Integer(hasStart ? 1 : 0, "stop", 0);
        long step = arguments.Integer(2, "step", 1);
        if (step == 0)
        {
            throw run.Error("range's step cannot be 0");
        }

        long count = Math.Max(0, ((stop - start) + step - Math.Sign(step)) / step);
        run.ReserveItems(count);
        var items = new TemplateValue[count];
        for (long i = 0; i < count; i++)
        {
            items[i] = NumberValue.Integer(start + (i * step));
        }

        return new ListValue(items);
    }
}
