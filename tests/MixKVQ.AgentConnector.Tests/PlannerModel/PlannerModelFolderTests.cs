using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;
using TrainPlannerModel.World;

namespace MixKVQ.AgentConnector.Tests.PlannerModel;

/// <summary>The committed model's folder and the dialogues it was trained on belong together.</summary>
public sealed class PlannerModelFolderTests
{
    [Fact]
    public void ChatTemplate_RendersADialogueAsItWasTrained()
    {
        ChatTemplate template = ChatTemplate.Load(Fixtures.EmbeddedModel);
        Dialogue dialogue = new DialogueGenerator(new Random(11)).Write(8, allTools: true);
        JsonArray messages = [new JsonObject { ["role"] = "system", ["content"] = dialogue.System }];
        foreach (Turn turn in dialogue.Turns)
        {
            messages.Add(new JsonObject { ["role"] = "user", ["content"] = turn.Request });
            foreach (AssistantStep step in turn.Steps)
            {
                AddStep(messages, step);
            }
        }

        JsonArray tools = [.. dialogue.Tools.Select(tool => tool.ToJson())];
        string rendered = template.Render(new ChatTemplateInput(messages, tools, AddGenerationPrompt: false, Variables: null), TestContext.Current.CancellationToken);
        Assert.Equal(string.Concat(DialogueText.Render(dialogue).Select(piece => piece.Text)), rendered);
    }

    [Fact]
    public void EveryNameAndNumber_IsOneToken_WithAndWithoutASpaceBefore()
    {
        ModelTokenizer tokenizer = ModelTokenizer.Load(Fixtures.EmbeddedModel);
        int space = Assert.Single(tokenizer.EncodeText(" "));
        foreach (string word in Names.Copied.Concat(Enumerable.Range(0, 1000).Select(number => $"{number}")))
        {
            int id = Assert.Single(tokenizer.EncodeText(word));
            Assert.Equal([space, id], tokenizer.EncodeText(" " + word));
        }
    }

    private static void AddStep(JsonArray messages, AssistantStep step)
    {
        JsonObject message = new() { ["role"] = "assistant", ["content"] = step.Answer ?? "", ["reasoning_content"] = step.Thought };
        messages.Add(message);
        if (step.Tool is not null)
        {
            JsonObject function = new() { ["name"] = step.Tool.Name, ["arguments"] = step.Arguments!.DeepClone() };
            message["tool_calls"] = new JsonArray(new JsonObject { ["type"] = "function", ["function"] = function });
            messages.Add(new JsonObject { ["role"] = "tool", ["content"] = step.Result });
        }
    }
}
