using System.Globalization;
using System.Text;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>Texts of the planner model's world, of a length in tokens.</summary>
/// <param name="modelFolder">The folder of the model whose tokens count.</param>
internal sealed class HistoryText(string modelFolder)
{
    /// <summary>A message of about 30 tokens.</summary>
    public const string Question = "What is the code of Riga? Check the stock of tin and copper, then tell me who supplies cable.";

    private static readonly string[] Cities = ["Riga", "Graz", "Cork", "Bergen", "Turin", "Lyon", "Porto", "Ghent", "Malmo", "Basel"];

    private readonly ModelTokenizer _tokenizer = ModelTokenizer.Load(modelFolder);

    /// <summary>A text of at most <paramref name="tokens"/> tokens and nearly as many; each seed has its own.</summary>
    public string Write(int tokens, int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        while (true)
        {
            string line = string.Create(CultureInfo.InvariantCulture, $"Note these codes: {Cities[random.Next(Cities.Length)]} {random.Next(100, 1000)}, {Cities[random.Next(Cities.Length)]} {random.Next(100, 1000)}.\n");
            tokens -= Count(line);
            if (tokens < 0)
            {
                return text.ToString();
            }

            text.Append(line);
        }
    }

    /// <summary>The tokens of a text.</summary>
    public int Count(string text) => _tokenizer.EncodeText(text).Length;
}
