using System.Globalization;

namespace MixKVQ.AgentConnector.StorageProbe;

/// <summary>A process for a test that ends it at any moment.</summary>
internal static class EntryPoint
{
    private static int Main(string[] args)
    {
        if (args is not ["save-loop", string folder, string seed, string start])
        {
            Console.Error.WriteLine("Usage: save-loop FOLDER SEED START");
            return 1;
        }

        SaveLoop.Run(folder, int.Parse(seed, CultureInfo.InvariantCulture), int.Parse(start, CultureInfo.InvariantCulture));
        return 0;
    }
}
