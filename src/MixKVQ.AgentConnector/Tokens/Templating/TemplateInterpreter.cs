using MixKVQ.AgentConnector.Tokens.Templating.Syntax;
using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Executes the statements of a template.</summary>
internal sealed partial class TemplateInterpreter(TemplateRun run)
{
    /// <summary>How a block ended.</summary>
    private enum BlockEnd
    {
        Completed,
        Break,
        Continue,
    }

    /// <summary>Renders a whole template into the output.</summary>
    public void Render(IReadOnlyList<Statement> template, TemplateScope scope, TemplateOutput output) => ExecuteBlock(template, scope, output);

    private BlockEnd ExecuteBlock(IReadOnlyList<Statement> block, TemplateScope scope, TemplateOutput output)
    {
        run.Enter();
        BlockEnd end = BlockEnd.Completed;
        for (int i = 0; i < block.Count && end == BlockEnd.Completed; i++)
        {
            end = Execute(block[i], scope, output);
        }

        run.Leave();
        return end;
    }

    private BlockEnd Execute(Statement statement, TemplateScope scope, TemplateOutput output)
    {
        run.Step();
        run.Line = statement.Line;
        switch (statement)
        {
            case TextStatement text:
                output.Append(text.Text);
                return BlockEnd.Completed;
            case OutputStatement expression:
                output.Append(ValueText.ForOutput(run, Evaluate(expression.Value, scope)));
                return BlockEnd.Completed;
            case IfStatement branching:
                return ExecuteIf(branching, scope, output);
            case ForStatement loop:
                return ExecuteFor(loop, scope, output);
            case SetStatement assignment:
                Assign(assignment.Target, Evaluate(assignment.Value, scope), scope);
                return BlockEnd.Completed;
            case SetBlockStatement assignment:
                Assign(assignment.Target, RenderToValue(assignment.Body, scope), scope);
                return BlockEnd.Completed;
            case MacroStatement macro:
                scope.Set(macro.Name, DefineMacro(macro.Name, macro.Parameters, macro.Body, null));
                return BlockEnd.Completed;
            case CallStatement call:
                output.Append(ValueText.ForOutput(run, ExecuteCallBlock(call, scope)));
                return BlockEnd.Completed;
            case FilterStatement filter:
                TemplateValue body = RenderToValue(filter.Body, scope);
                output.Append(ValueText.ForOutput(run, ApplyFilter(filter.Name, body, filter.Arguments, scope)));
                return BlockEnd.Completed;
            case BreakStatement:
                return BlockEnd.Break;
            default:
                return BlockEnd.Continue;
        }
    }

    private BlockEnd ExecuteIf(IfStatement statement, TemplateScope scope, TemplateOutput output)
    {
        foreach (IfBranch branch in statement.Branches)
        {
            if (Evaluate(branch.Condition, scope).IsTrue)
            {
                return ExecuteBlock(branch.Body, scope, output);
            }
        }

        return ExecuteBlock(statement.Otherwise, scope, output);
    }

    /// <remarks>As in the npm package, all iterations share one scope: what one sets, the next one sees, and nobody after the loop.</remarks>
    private BlockEnd ExecuteFor(ForStatement statement, TemplateScope outer, TemplateOutput output)
    {
        var scope = new TemplateScope(outer);
        IReadOnlyList<TemplateValue> items = Iteration.Items(run, Evaluate(statement.Iterable, scope));
        if (statement.Filter is not null)
        {
            items = SelectItems(statement, items, scope);
        }

        if (items.Count == 0)
        {
            return ExecuteBlock(statement.Otherwise, scope, output);
        }

        for (int i = 0; i < items.Count; i++)
        {
            run.Line = statement.Line;
            scope.Set("loop", new LoopValue(items, i));
            BindLoopNames(statement, items[i], scope);
            if (ExecuteBlock(statement.Body, scope, output) == BlockEnd.Break)
            {
                break;
            }
        }

        return BlockEnd.Completed;
    }

    private List<TemplateValue> SelectItems(ForStatement statement, IReadOnlyList<TemplateValue> items, TemplateScope outer)
    {
        var scope = new TemplateScope(outer);
        var selected = new List<TemplateValue>();
        foreach (TemplateValue item in items)
        {
            BindLoopNames(statement, item, scope);
            if (Evaluate(statement.Filter!, scope).IsTrue)
            {
                run.ReserveItems(1);
                selected.Add(item);
            }
        }

        return selected;
    }

    private void BindLoopNames(ForStatement statement, TemplateValue item, TemplateScope scope)
    {
        if (statement.Unpacks)
        {
            Unpack(statement.Names, item, scope);
        }
        else
        {
            scope.Set(statement.Names[0], item);
        }
    }

    private void Unpack(IReadOnlyList<string> names, TemplateValue value, TemplateScope scope)
    {
        if (value is not ListValue list || list.Items.Count != names.Count)
        {
            string found = value is ListValue other ? $"a list of {other.Items.Count}" : value.Kind;
            throw run.Error($"expected {names.Count} values for {string.Join(", ", names)}, found {found}");
        }

        for (int i = 0; i < names.Count; i++)
        {
            scope.Set(names[i], list.Items[i]);
        }
    }
}
