using TrainPlannerModel.World;

namespace MixKVQ.AgentConnector.Tests.PlannerModel;

public sealed class DialogueGeneratorTests
{
    [Fact]
    public void SameSeed_WritesTheSameDialogue() =>
        Assert.Equal(Text(new DialogueGenerator(new Random(7)).Write(9, allTools: true)), Text(new DialogueGenerator(new Random(7)).Write(9, allTools: true)));

    [Fact]
    public void NoDialogue_ContainsARequestOfTheSample()
    {
        foreach (int seed in Enumerable.Range(0, 300))
        {
            Dialogue dialogue = new DialogueGenerator(new Random(seed)).Write(8, allTools: false);
            Assert.DoesNotContain(dialogue.Turns, turn => DialogueGenerator.Reserved.Contains(turn.Request));
        }
    }

    [Fact]
    public void EveryTurn_EndsInAnAnswer_AndEveryOtherStepIsACallWithItsResult()
    {
        Dialogue dialogue = new DialogueGenerator(new Random(3)).Write(30, allTools: true);
        foreach (Turn turn in dialogue.Turns)
        {
            Assert.NotNull(turn.Steps[^1].Answer);
            Assert.All(turn.Steps.SkipLast(1), step => Assert.True(step.Tool is not null && step.Result is not null && step.Answer is null));
        }
    }

    [Fact]
    public void OfferedTools_HoldEveryToolThatIsCalled()
    {
        foreach (int seed in Enumerable.Range(0, 50))
        {
            Dialogue dialogue = new DialogueGenerator(new Random(seed)).Write(6, allTools: false);
            Assert.All(dialogue.Turns.SelectMany(turn => turn.Steps).Where(step => step.Tool is not null), step => Assert.Contains(step.Tool, dialogue.Tools));
        }
    }

    [Fact]
    public void WrongCall_GetsAnErrorResult_NotAnException()
    {
        Warehouse warehouse = new(new Random(1));
        Assert.Contains("error", warehouse.Call("Store-fly", []), StringComparison.Ordinal);
        Assert.Contains("error", warehouse.Call("Store-order", new System.Text.Json.Nodes.JsonObject { ["item"] = 3 }), StringComparison.Ordinal);
    }

    private static string Text(Dialogue dialogue) => string.Concat(DialogueText.Render(dialogue).Select(piece => piece.Text));
}
