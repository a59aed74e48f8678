using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel;
using MixKVQ.AgentConnector.Tests.SemanticKernel;
using PlannerAgent;
using TrainPlannerModel.World;
using Warehouse = PlannerAgent.Warehouse;

namespace MixKVQ.AgentConnector.Tests.PlannerAgent;

/// <summary>The sample mirrors the world that the embedded model is trained on.</summary>
public sealed class PlannerToolsTests
{
    [Fact]
    public async Task Tools_AreDeclaredExactlyAsTheModelWasTrained()
    {
        var client = new TestChatClient(Replies.Answer("Noted."));
        var settings = new MixKvqPromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };

        await new MixKvqChatCompletionService(client).GetChatMessageContentsAsync(new ChatHistory("Go."), settings, CreateKernel(), CancellationToken.None);

        IEnumerable<string> offered = client.Requests[0].Options!.Tools!.Cast<AIFunctionDeclaration>().Select(tool => new JsonObject
        {
            ["type"] = "function",
            ["function"] = new JsonObject
            {
                ["name"] = tool.Name,
                ["description"] = tool.Description,
                ["parameters"] = JsonSerializer.SerializeToNode(tool.JsonSchema),
            },
        }.ToJsonString());
        Assert.Equal(PlannerTool.All.Select(tool => tool.ToJson().ToJsonString()), offered);
    }

    [Fact]
    public async Task Results_HaveTheFieldsOfTheTrainersWorld()
    {
        var trainer = new TrainPlannerModel.World.Warehouse(new Random(1));
        Kernel kernel = CreateKernel();
        var arguments = new JsonObject { ["item"] = "copper", ["count"] = 2, ["order"] = 101, ["city"] = "Bergen", ["needed"] = 5, ["stock"] = 7, ["price"] = 3 };
        var calls = new List<(string, string)>();
        foreach (PlannerTool tool in PlannerTool.All)
        {
            calls.Add((tool.Name, new JsonObject(tool.Parameters.Select(parameter => KeyValuePair.Create(parameter.Name, arguments[parameter.Name]?.DeepClone()))).ToJsonString()));
        }

        var history = new ChatHistory("Go.");
        var settings = new MixKvqPromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };
        await new MixKvqChatCompletionService(new TestChatClient(Replies.Calls([.. calls]), Replies.Answer("Done.")))
            .GetChatMessageContentsAsync(history, settings, kernel, CancellationToken.None);

        string[] results = [.. history.Where(message => message.Role == AuthorRole.Tool).Select(message => message.Content!)];
        Assert.Equal(
            PlannerTool.All.Select(tool => Shape(trainer.Call(tool.Name, arguments))),
            results.Select(Shape));
        Assert.Equal("""{"missing":0}""", results[5]);
        Assert.Equal("""{"cost":6}""", results[6]);
    }

    [Fact]
    public void SystemPrompt_IsTheTrainers() => Assert.Equal(Dialogue.SystemPrompt, PlannerDialogue.SystemPrompt);

    [Fact]
    public void Script_HoldsTheRequestsThatTrainingLeavesOut() =>
        Assert.Subset(PlannerDialogue.Turns.Select(turn => turn.Request).ToHashSet(), DialogueGenerator.Reserved.ToHashSet());

    /// <summary>The result with its values' kinds in place of the values.</summary>
    private static string Shape(string result)
    {
        JsonObject json = JsonNode.Parse(result)!.AsObject();
        Assert.Equal(json.ToJsonString(), result);
        return string.Join(",", json.Select(field => $"{field.Key}:{field.Value!.GetValueKind()}"));
    }

    private static Kernel CreateKernel()
    {
        IKernelBuilder builder = Kernel.CreateBuilder();
        PlannerDialogue.AddPlugins(builder.Plugins, new Warehouse(1));
        return builder.Build();
    }
}
