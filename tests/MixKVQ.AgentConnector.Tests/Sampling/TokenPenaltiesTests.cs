using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Tests.Sampling;

public class TokenPenaltiesTests
{
    [Fact]
    public void Repetition_ScalesTokensOfPromptAndOutputOnce()
    {
        TokenPenalties penalties = new(new() { RepetitionPenalty = 2 });
        penalties.AddPrompt([0, 1, 1]);
        penalties.AddOutput(3);
        penalties.AddOutput(3);
        float[] logits = [4, -4, 4, -1, 0];

        penalties.Apply(logits);

        Assert.Equal([2, -8, 4, -2, 0], logits);
    }

    [Fact]
    public void PresenceAndFrequency_CountTheOutputOnly()
    {
        TokenPenalties penalties = new(new() { PresencePenalty = 0.5f, FrequencyPenalty = 0.25f });
        penalties.AddPrompt([0, 1, 2]);
        penalties.AddOutput(1);
        penalties.AddOutput(2);
        penalties.AddOutput(2);
        penalties.AddOutput(2);
        float[] logits = [1, 1, 1, 1];

        penalties.Apply(logits);

        Assert.Equal([1, 0.25f, -0.25f, 1], logits);
    }

    [Fact]
    public void Repetition_ComesBeforePresenceAndFrequency()
    {
        TokenPenalties penalties = new(new() { RepetitionPenalty = 2, PresencePenalty = 1, FrequencyPenalty = 0.5f });
        penalties.AddPrompt([1]);
        penalties.AddOutput(0);
        float[] logits = [4, 4];

        penalties.Apply(logits);

        Assert.Equal([0.5f, 2], logits);
    }

    [Fact]
    public void NegativePenalties_RaiseLogits()
    {
        TokenPenalties penalties = new(new() { PresencePenalty = -1 });
        penalties.AddOutput(0);
        float[] logits = [1, 1];

        penalties.Apply(logits);

        Assert.Equal([2, 1], logits);
    }

    [Fact]
    public void IdsOutsideTheVocabulary_ArePassedOver()
    {
        TokenPenalties penalties = new(new() { RepetitionPenalty = 2 });
        penalties.AddPrompt([-1, 2, 1]);
        float[] logits = [4, 4];

        penalties.Apply(logits);

        Assert.Equal([4, 2], logits);
    }
}
