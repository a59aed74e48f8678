using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Conversations;
using MixKVQ.AgentConnector.Tests.Models;

namespace MixKVQ.AgentConnector.Tests.Hosting;

/// <summary>A model with random weights that always thinks: whatever is edited, its greedy answer is the one of a client that reads all anew.</summary>
public sealed class EditedDialogueTests : IDisposable
{
    private static readonly EditScript.Change[] Changes =
        [EditScript.Change.Ask, EditScript.Change.Ask, EditScript.Change.Regenerate, EditScript.Change.EditMessage, EditScript.Change.Shorten, EditScript.Change.ChangeInstructions];

    private readonly TinyModel _model = TinyModel.OfChats();

    public EditedDialogueTests()
    {
        // As DeepSeek-R1's: every answer begins inside a thought.
        string path = Path.Combine(_model.Folder, "tokenizer_config.json");
        JsonNode config = JsonNode.Parse(File.ReadAllText(path))!;
        const string end = "{%- if enable_thinking is defined";
        config["chat_template"] = TinyTokenizer.Template.Replace(end, "{{- '<think>\\n' }}" + end, StringComparison.Ordinal);
        File.WriteAllText(path, config.ToJsonString());
    }

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task Answers_AreThoseOfAFreshClient()
    {
        await using MixKvqChatClient client = Client();
        var script = new EditScript();
        long reused = 0;
        for (int i = 0; i < Changes.Length; i++)
        {
            bool waits = i % 2 == 1;
            script.Apply(new EditScript.Step(Changes[i], $"the other hour {i} in all", Place: i, Keeps: false, waits));
            ChatOptions options = script.Options(keeps: false);
            (options.Tools, options.Temperature, options.MaxOutputTokens) = (null, 0, 30);
            options.AdditionalProperties![MixKvqMetadata.ThinkingBudget] = 12;
            ChatResponse response = await client.GetResponseAsync(script.History, options, TestContext.Current.CancellationToken);
            if (waits)
            {
                await client.WhenIdleWorkIsDoneAsync(TestContext.Current.CancellationToken);
            }

            await using MixKvqChatClient fresh = Client();
            ChatResponse expected = await fresh.GetResponseAsync(script.History, options, TestContext.Current.CancellationToken);
            Assert.Equal(expected.Text, response.Text);
            Assert.Equal(expected.Usage!.InputTokenCount, response.Usage!.InputTokenCount);
            Assert.True(response.Usage.ReasoningTokenCount > 0);
            reused += response.Usage.CachedInputTokenCount!.Value;
            script.AddAnswer(response);
        }

        Assert.InRange(reused, 100, long.MaxValue);
        Assert.InRange(await client.WhenIdleWorkIsDoneAsync(TestContext.Current.CancellationToken), 1, long.MaxValue);
    }

    private MixKvqChatClient Client() => new(new MixKvqOptions { ModelPath = _model.Folder, Cache = new KvCacheOptions { Policy = KvCachePolicy.FullPrecision } });
}
