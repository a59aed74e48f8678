using Microsoft.Extensions.Logging.Abstractions;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations.Storage;

namespace MixKVQ.AgentConnector.StorageProbe;

/// <summary>Saves and deletes conversations until the process is ended.</summary>
internal static class SaveLoop
{
    /// <summary>Does the steps from <paramref name="start"/> on, and writes the index of each that is done to standard output.</summary>
    public static void Run(string path, int seed, int start)
    {
        using var pages = new IdPages();
        using ConversationFolder folder = ConversationFolder.Open(path, null, pages.Signature, IdPages.VocabularySize, NullLogger.Instance, out _);
        for (int index = start; ; index++)
        {
            var step = SaveStep.At(seed, index);
            if (step.Ids is { } ids)
            {
                using CacheImage image = pages.Image(ids);
                folder.Save(step.Conversation(pages.Signature), image);
            }
            else
            {
                folder.Delete(step.Id);
            }

            Console.Out.WriteLine(index);
        }
    }
}
