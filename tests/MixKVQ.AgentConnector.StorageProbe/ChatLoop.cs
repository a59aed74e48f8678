using System.Globalization;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.StorageProbe;

/// <summary>Answers questions of a caller who may end the process at any moment, with conversations that are kept in a folder.</summary>
internal static class ChatLoop
{
    /// <summary>The tokens of every answer; each is a letter and an update of its own.</summary>
    public const int AnswerTokens = 12;

    /// <summary>Written after each update of an answer.</summary>
    public const string Part = "part";

    /// <summary>Written before the id and the text of an answer that is complete.</summary>
    public const string Done = "done";

    /// <summary>What stands for no id.</summary>
    public const string NoId = "-";

    /// <summary>Answers each line of standard input, an id, after how many updates to stand still for ever (0: never) and a question, until there are no more.</summary>
    public static async Task RunAsync(string modelFolder, string folder)
    {
        await using var client = new MixKvqChatClient(Options(modelFolder, folder));
        await client.LoadAsync();
        await Console.Out.WriteLineAsync("ready");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            string[] words = line.Split(' ', 3);
            await AnswerAsync(client, words[0] == NoId ? null : words[0], int.Parse(words[1], CultureInfo.InvariantCulture), words[2], TurnOptions(modelFolder));
        }
    }

    /// <summary>The options of a client that keeps its conversations in a folder.</summary>
    public static MixKvqOptions Options(string modelFolder, string? folder)
    {
        var options = new MixKvqOptions { ModelPath = modelFolder, Stateful = true, ThreadCount = 1 };
        options.Cache.SpillDirectory = folder;
        return options;
    }

    /// <summary>Greedy, and letters only: every token is text and none ends the answer.</summary>
    public static ChatOptions TurnOptions(string modelFolder, string? conversationId = null)
    {
        var tokenizer = ModelTokenizer.Load(modelFolder);
        return new ChatOptions
        {
            ConversationId = conversationId,
            MaxOutputTokens = AnswerTokens,
            Temperature = 0,
            AdditionalProperties = new() { [MixKvqMetadata.LogitBias] = Enumerable.Range('a', 26).ToDictionary(letter => tokenizer.EncodeText($"{(char)letter}").Single(), _ => 100f) },
        };
    }

    private static async Task AnswerAsync(MixKvqChatClient client, string? id, int lastUpdate, string question, ChatOptions options)
    {
        options.ConversationId = id;
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(question, options))
        {
            updates.Add(update);
            await Console.Out.WriteLineAsync(Part);
            if (updates.Count == lastUpdate)
            {
                await Task.Delay(Timeout.Infinite);
            }
        }

        ChatResponse response = updates.ToChatResponse();
        await Console.Out.WriteLineAsync($"{Done} {response.ConversationId} {response.Text}");
    }
}
