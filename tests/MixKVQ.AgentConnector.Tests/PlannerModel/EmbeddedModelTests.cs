using MixKVQ.AgentConnector.Tokens;
using TrainPlannerModel.Evaluation;

namespace MixKVQ.AgentConnector.Tests.PlannerModel;

public sealed class EmbeddedModelTests
{
    [Theory]
    [InlineData(KvCachePolicy.FullPrecision)]
    [InlineData(KvCachePolicy.MixKvq)]
    public async Task EmbeddedModel_SolvesHeldOutDialogues(KvCachePolicy policy)
    {
        ModelTokenizer tokenizer = ModelTokenizer.Load(Fixtures.EmbeddedModel);
        await using MixKvqChatClient client = new(new MixKvqOptions { ModelPath = Fixtures.EmbeddedModel, Cache = new KvCacheOptions { Policy = policy } });
        List<string> faults = [];
        foreach (HeldOutDialogue held in HeldOutDialogues.Take(5, tokenizer.Encode))
        {
            if (await TaskPlayer.PlayAsync(client, held.Dialogue, TestContext.Current.CancellationToken) is { } fault)
            {
                faults.Add(fault);
            }
        }

        Assert.True(faults.Count <= 1, string.Join("\n", faults));
    }

    [Fact]
    public void HeldOutDialogues_AreLong_AndReachFarBack()
    {
        ModelTokenizer tokenizer = ModelTokenizer.Load(Fixtures.EmbeddedModel);
        Assert.All(HeldOutDialogues.Take(5, tokenizer.Encode), held =>
        {
            Assert.InRange(held.Tokens.Length, 1000, 3000);
            Assert.True(held.RecallDistance > 1000);
        });
    }
}
