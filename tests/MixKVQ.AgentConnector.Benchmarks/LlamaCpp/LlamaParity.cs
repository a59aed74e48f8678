using System.Numerics.Tensors;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Tokens;
using TorchSharp;
using TrainPlannerModel.Evaluation;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>Shows that the converted model is the same: greedy answers of both, from the same token ids, with float32 weights and a cache in full precision.</summary>
internal static class LlamaParity
{
    private const int Prompts = 4;
    private const int AnswerTokens = 64;
    private const int AllFloat32 = 0;

    /// <summary>Compares and prints how far the answers agree.</summary>
    /// <param name="library">llama.cpp.</param>
    /// <param name="folder">The model.</param>
    /// <param name="file">The model, converted.</param>
    /// <param name="threads">Threads of llama.cpp.</param>
    public static void Print(LlamaLibrary library, string folder, string file, int threads)
    {
        library.Quantize(file, $"{file}.f32", AllFloat32);
        ModelTokenizer tokenizer = ModelTokenizer.Load(folder);
        using DecoderModel model = DecoderModel.Load(folder, CPU, ScalarType.Float32);
        HeldOutDialogue[] dialogues = [.. HeldOutDialogues.Take(Prompts, tokenizer.Encode)];
        for (int i = 0; i < Prompts; i++)
        {
            int[] prompt = dialogues[i].Tokens[..(100 + (i * 250))];
            using var own = new OwnDecoder(model, new KvCacheOptions { Policy = KvCachePolicy.FullPrecision });
            using var other = new LlamaSession(library, $"{file}.f32", model.Config.VocabularySize, 2048, GgmlType.F16, flashAttention: false, threads);
            int[] mine = Answer(own, prompt);
            int[] theirs = Answer(other, prompt);
            Console.WriteLine($"prompt of {prompt.Length} tokens: the first {mine.AsSpan().CommonPrefixLength(theirs)} of {AnswerTokens} tokens agree");
        }
    }

    private static int[] Answer(ITokenDecoder decoder, int[] prompt)
    {
        decoder.Read(prompt.AsSpan()[..^1]);
        int[] answer = new int[AnswerTokens];
        int token = prompt[^1];
        for (int i = 0; i < AnswerTokens; i++)
        {
            answer[i] = token = TensorPrimitives.IndexOfMax(decoder.Decode(token));
        }

        return answer;
    }
}
