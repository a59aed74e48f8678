using MixKVQ.AgentConnector.Tokens.Templating.Syntax;
using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <content>Assignments, macros and blocks that become values.</content>
internal sealed partial class TemplateInterpreter
{
    private void Assign(Expression target, TemplateValue value, TemplateScope scope)
    {
        switch (target)
        {
            case NameExpression name:
                scope.Set(name.Name, value);
                break;
            case ListExpression names:
                Unpack([.. names.Items.Select(item => ((NameExpression)item).Name)], value, scope);
                break;
            case MemberExpression member when Evaluate(member.Target, scope) is NamespaceValue owner:
                if (!owner.Entries.ContainsKey(member.Name))
                {
                    run.ReserveEntries(1);
                }

                owner.Entries[member.Name] = value;
                break;
            default:
                throw run.Error("only a namespace's attributes can be set");
        }
    }

    private StringValue RenderToValue(IReadOnlyList<Statement> body, TemplateScope scope)
    {
        var output = new TemplateOutput(run, isValue: true);
        ExecuteBlock(body, scope, output);
        return run.Text(output.ToString());
    }

    /// <remarks>As in the npm package, a macro sees its caller's variables; a call block (<paramref name="home"/>) those around it.</remarks>
    private FunctionValue DefineMacro(string name, IReadOnlyList<MacroParameter> parameters, IReadOnlyList<Statement> body, TemplateScope? home)
    {
        run.ReserveEntries(1);
        return new FunctionValue(name, (arguments, caller) =>
        {
            var scope = new TemplateScope(home ?? caller);
            BindParameters(name, parameters, arguments, scope);
            return RenderToValue(body, scope);
        });
    }

    private void BindParameters(string name, IReadOnlyList<MacroParameter> parameters, CallArguments arguments, TemplateScope scope)
    {
        if (arguments.Positional.Count > parameters.Count)
        {
            throw run.Error($"the macro '{name}' takes at most {parameters.Count} arguments");
        }

        foreach (string keyword in arguments.Keywords.Keys)
        {
            if (!parameters.Any(p => p.Name == keyword))
            {
                throw run.Error($"the macro '{name}' has no parameter '{keyword}'");
            }
        }

        // All names are bound before the defaults are evaluated, so that none of them shows a caller's variable.
        var defaults = new List<MacroParameter>();
        for (int i = 0; i < parameters.Count; i++)
        {
            TemplateValue? value = arguments.Find(i, parameters[i].Name);
            scope.Set(parameters[i].Name, value ?? UndefinedValue.Instance);
            if (value is null && parameters[i].Default is not null)
            {
                defaults.Add(parameters[i]);
            }
        }

        foreach (MacroParameter parameter in defaults)
        {
            scope.Set(parameter.Name, Evaluate(parameter.Default!, scope));
        }
    }

    private TemplateValue ExecuteCallBlock(CallStatement statement, TemplateScope scope)
    {
        CallArguments arguments = EvaluateArguments(statement.Call.Arguments, scope);
        FunctionValue macro = EvaluateFunction(statement.Call.Callee, scope);
        var inner = new TemplateScope(scope);
        inner.Set("caller", DefineMacro("caller", statement.Parameters, statement.Body, scope));
        return macro.Invoke(arguments, inner);
    }
}
