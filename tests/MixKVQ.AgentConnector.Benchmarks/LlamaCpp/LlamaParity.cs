using System.Numerics.Tensors;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Tokens;
using TorchSharp;
using TrainPlannerModel.Evaluation;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>
/// Shows that a converted model is the same: greedy answers of both, from the same token ids, with float32 weights and a cache in full precision:
/// <c>llama-parity LIBRARIES MODEL-FOLDER GGUF-FILE</c>.
/// </summary>
internal static class LlamaParity
{
    private const int Prompts = 4;
    private const int AnswerTokens = 64;
    private const int AllFloat32 = 0;

    /// <summary>Compares and prints how far the answers agree.</summary>
    public static void Run(string[] args)
    {
        TorchLibrary.EnsureLoaded();
        var library = new LlamaLibrary(args[0]);
        (string folder, string file) = (args[1], $"{args[2]}.f32");
        library.Quantize(args[2], file, AllFloat32);
        ModelTokenizer tokenizer = ModelTokenizer.Load(folder);
        using DecoderModel model = DecoderModel.Load(folder, CPU, ScalarType.Float32);
        HeldOutDialogue[] dialogues = [.. HeldOutDialogues.Take(Prompts, tokenizer.Encode)];
        for (int i = 0; i < Prompts; i++)
        {
            int[] prompt = dialogues[i].Tokens[..(100 + (i * 250))];
            using var own = new OwnDecoder(model, new KvCacheOptions { Policy = KvCachePolicy.FullPrecision });
            using var other = new LlamaSession(library, file, model.Config.VocabularySize, 2048, GgmlType.F16, flashAttention: false, Environment.ProcessorCount);
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
