using System.Globalization;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tokens;
using TrainPlannerModel.Evaluation;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.EndToEnd;

/// <summary>The embedded model: the same text on the CPU and on the GPU, then whole dialogues through the chat client.</summary>
internal static class EndToEndStage
{
    private const int DialogueCount = 4;
    private const int ForcedTokens = 160;
    private const int WrittenTokens = 64;

    // Pages that are planned from sums in another order differ now and then, and so does what is nearly a tie.
    private const double WantedAgreement = 0.97;

    /// <summary>Runs the stage.</summary>
    public static async Task RunAsync(CheckMachine machine)
    {
        ModelTokenizer tokenizer = ModelTokenizer.Load(machine.Options.ModelPath);
        HeldOutDialogue[] dialogues = [.. HeldOutDialogues.Take(DialogueCount, tokenizer.Encode)];
        Compare(machine, dialogues);
        await ChatAsync(machine, dialogues);
    }

    private static void Compare(CheckMachine machine, HeldOutDialogue[] dialogues)
    {
        machine.Report.Table("dialogue", "tokens read", "the same next token, text given", "the same tokens written before the first other one");
        using var onCpu = new ForcedModel(machine.Options.ModelPath, CPU, null);
        using var onGpu = new ForcedModel(machine.Options.ModelPath, machine.Device, machine.Kernels);
        (int same, int all) = (0, 0);
        for (int i = 0; i < dialogues.Length; i++)
        {
            int[] tokens = dialogues[i].Tokens;
            int read = tokens.Length - ForcedTokens;
            int agreed = Same(onCpu.Choices(tokens, read), onGpu.Choices(tokens, read)).Count(equal => equal);
            int written = Same(onCpu.Continue(tokens.AsMemory(0, read), WrittenTokens), onGpu.Continue(tokens.AsMemory(0, read), WrittenTokens)).TakeWhile(equal => equal).Count();
            machine.Report.Row($"{i + 1}", $"{read}", $"{agreed} of {ForcedTokens + 1}", $"{written} of {WrittenTokens}");
            (same, all) = (same + agreed, all + ForcedTokens + 1);
        }

        machine.Report.Line();
        double agreement = (double)same / all;
        string verdict = machine.Report.Require(agreement >= WantedAgreement, string.Create(CultureInfo.InvariantCulture, $"CPU and GPU agree in {agreement:P1} of the next tokens only."));
        machine.Report.Line($"CPU and GPU agree in {same} of {all} next tokens: {verdict}.");
    }

    private static async Task ChatAsync(CheckMachine machine, HeldOutDialogue[] dialogues)
    {
        await using var client = new MixKvqChatClient(new MixKvqOptions
        {
            ModelPath = machine.Options.ModelPath,
            Device = $"{machine.Device}",
            TorchLibraryPath = machine.Options.TorchLibraryPath,
        });
        await client.LoadAsync();
        string?[] faults = await Task.WhenAll(dialogues.Take(2).Select(held => Task.Run(() => TaskPlayer.PlayAsync(client, held.Dialogue, default))));
        foreach (string? fault in faults)
        {
            // The model itself solves nearly all, not all.
            machine.Report.Line($"A dialogue with tools, beside another: {fault ?? "solved"}.");
        }

        machine.Report.Line($"Dialogues solved: {machine.Report.Require(faults.Any(fault => fault is null), "The embedded model solves none of two dialogues.")}.");
        await CancelAsync(machine, client, dialogues[0]);
    }

    private static async Task CancelAsync(CheckMachine machine, MixKvqChatClient client, HeldOutDialogue held)
    {
        ChatMessage[] messages = [new(ChatRole.System, held.Dialogue.System), new(ChatRole.User, held.Dialogue.Turns[0].Request)];
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 60 };
        string whole = (await client.GetResponseAsync(messages, options)).Text;
        using var source = new CancellationTokenSource();
        bool isCancelled = false;
        try
        {
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, options, source.Token))
            {
                await source.CancelAsync();
            }
        }
        catch (OperationCanceledException)
        {
            isCancelled = true;
        }

        string again = (await client.GetResponseAsync(messages, options)).Text;
        machine.Report.Line($"A turn cancelled, then asked again: {machine.Report.Require(isCancelled && again == whole, $"After a cancelled turn came '{again}', before it '{whole}'.")}.");
    }

    private static IEnumerable<bool> Same(int[] first, int[] second) => first.Zip(second, (a, b) => a == b);
}
