using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Tests.Tokens;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>Token logs of tokenizers that put a space before a text: a rendered answer is the generated one, in the same ids.</summary>
public sealed class SentencePieceLogTests
{
    [Theory]
    [InlineData("phi-3-mini", "<|user|>\nHi<|end|>\n<|assistant|>\n", "Hello there", "<|end|>\n<|user|>\nMore<|end|>\n<|assistant|>\n")]
    [InlineData("llama2", "<s>[INST] Hi [/INST]", " Hello there", "</s><s>[INST] More [/INST]")]
    [InlineData("llama2", "<s>[INST] Hi [/INST]", " Hello there", " </s><s>[INST] More [/INST]")]
    public void NextPrompt_SharesTheWholeAnswer(string name, string prompt, string answer, string continuation)
    {
        ModelTokenizer tokenizer = SharedTokenizers.Shared(name);
        var log = new TokenLog();
        log.Append(tokenizer.EncodePrompt(prompt));
        int[] generated = tokenizer.EncodeText("Hello there");
        Assert.Equal(answer, tokenizer.Decode(generated, continuesText: log.EndsInText));
        log.AppendGenerated(generated, tokenizer);

        log.Rebase(tokenizer.EncodePrompt(prompt + answer + continuation), out int shared);
        Assert.Equal(log.Count, shared);
    }

    [Theory]
    [InlineData("llama2", "<s>[INST] Hi [/INST] Hello", " and\n so on</s><s>")]
    [InlineData("llama2", "<s>", "A</s>")]
    [InlineData("phi-3-mini", "<|user|>\nHi<|end|>\n", "<|user|>\nMore<|end|>\n")]
    public void PromptInTwoParts_SaysTheSameAsInOne(string name, string first, string second)
    {
        ModelTokenizer tokenizer = SharedTokenizers.Shared(name);
        var whole = new TokenLog();
        whole.Append(tokenizer.EncodePrompt(first + second));
        var parts = new TokenLog();
        parts.Append(tokenizer.EncodePrompt(first));
        parts.Append(tokenizer.EncodePrompt(second, continuesText: parts.EndsInText));
        Assert.Equal(whole.Range(0, whole.Count), parts.Range(0, parts.Count));
    }
}
