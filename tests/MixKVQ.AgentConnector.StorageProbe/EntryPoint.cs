using System.Globalization;

namespace MixKVQ.AgentConnector.StorageProbe;

/// <summary>A process for a test that ends it at any moment.</summary>
internal static class EntryPoint
{
    private static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["save-loop", string folder, string seed, string start]:
                SaveLoop.Run(folder, int.Parse(seed, CultureInfo.InvariantCulture), int.Parse(start, CultureInfo.InvariantCulture));
                return 0;
            case ["chat-loop", string modelFolder, string folder]:
                await ChatLoop.RunAsync(modelFolder, folder);
                return 0;
            default:
                await Console.Error.WriteLineAsync("Usage: save-loop FOLDER SEED START | chat-loop MODEL FOLDER");
                return 1;
        }
    }
}
