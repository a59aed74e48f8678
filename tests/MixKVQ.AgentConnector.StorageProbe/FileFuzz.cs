using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations.Storage;

namespace MixKVQ.AgentConnector.StorageProbe;

/// <summary>Reads mutated files: each is refused by the one exception for that, or says what the file it was made of said.</summary>
internal static class FileFuzz
{
    // JSON takes a few times its length once it is read, and all of it is short here.
    private const long AllowedBytes = 1 << 20;
    private const int AllowedTimesLength = 64;

    /// <summary>Reads <paramref name="count"/> files.</summary>
    /// <exception cref="InvalidOperationException">A file was read wrongly, took too much memory, or ended in another exception; the message gives its number.</exception>
    public static FuzzCounts Run(int count, int seed)
    {
        using var pages = new IdPages();
        string folder = Directory.CreateTempSubdirectory("mixkvq-fuzz-").FullName;
        try
        {
            string path = Path.Combine(folder, "file");
            List<(byte[] File, string Content)> originals = [];
            for (int index = 0; originals.Count < 6; index++)
            {
                var step = SaveStep.At(seed, index);
                if (step.Ids is { } ids)
                {
                    using CacheImage image = pages.Image(ids);
                    ConversationFileWriter.Write(path, step.Conversation(pages.Signature), image);
                    originals.Add((File.ReadAllBytes(path), Read(path, pages)!));
                }
            }

            var counts = new FuzzCounts(0, 0, 0, 0);
            for (int number = 0; number < count; number++)
            {
                counts = Try(originals, path, pages, new Random(unchecked(seed * 7919 + number)), counts, $"File {number} of seed {seed}");
            }

            return pages.HeldBytes == 0 ? counts : throw new InvalidOperationException($"Pages of {pages.HeldBytes} bytes were not given back.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static FuzzCounts Try(List<(byte[] File, string Content)> originals, string path, IdPages pages, Random random, FuzzCounts counts, string name)
    {
        byte[] mutated = FileMutation.Apply(originals[random.Next(originals.Count)].File, originals[random.Next(originals.Count)].File, random);
        bool isForged = random.Next(2) == 0;
        if (isForged)
        {
            FileMutation.Forge(mutated);
        }

        File.WriteAllBytes(path, mutated);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string? content;
        try
        {
            content = Read(path, pages);
        }
        catch (Exception error)
        {
            throw new InvalidOperationException($"{name} ended in {error}", error);
        }

        long taken = GC.GetAllocatedBytesForCurrentThread() - before;
        if (taken > AllowedBytes + AllowedTimesLength * (long)mutated.Length)
        {
            throw new InvalidOperationException($"{name} of {mutated.Length} bytes took {taken} bytes of memory.");
        }

        if (content is not null && !isForged && !originals.Exists(original => original.Content == content))
        {
            throw new InvalidOperationException($"{name} was read, and says something else.");
        }

        return (content, isForged) switch
        {
            (null, false) => counts with { Refused = counts.Refused + 1 },
            (null, true) => counts with { ForgedRefused = counts.ForgedRefused + 1 },
            (_, false) => counts with { Same = counts.Same + 1 },
            _ => counts with { ForgedRead = counts.ForgedRead + 1 },
        };
    }

    /// <summary>All that a file says; null where it is refused.</summary>
    private static string? Read(string path, IdPages pages)
    {
        try
        {
            using ConversationFile file = ConversationFile.Open(path, pages.Signature, IdPages.VocabularySize);
            using CacheImage image = file.ReadCache(pages);
            SavedConversation saved = file.Conversation;
            string text = Convert.ToHexString(ConversationJsonWriter.Write(saved).Span);
            string ids = string.Join(' ', saved.Tokens.Range(0, saved.Tokens.Count));
            return $"{text} {ids} {Convert.ToHexString(image.Sinks.Span)} {Convert.ToHexString(image.Open.Span)} {string.Concat(image.Pages.Select(page => Convert.ToHexString(page.Bytes)))}";
        }
        catch (InvalidDataException error) when (error.Message.StartsWith(path, StringComparison.Ordinal))
        {
            return null;
        }
    }
}
