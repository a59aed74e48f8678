using TorchSharp;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>The weights of a model folder, in one safetensors file or several; memory-mapped until disposed.</summary>
internal sealed class SafetensorsCheckpoint : IWeightSource, IDisposable
{
    private const string SingleName = "model.safetensors";

    private readonly string _folder;
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, (SafetensorsFile File, SafetensorsEntry Entry)> _tensors = new(StringComparer.Ordinal);
    private readonly IProgress<long>? _progress;
    private long _copiedBytes;

    private SafetensorsCheckpoint(string folder, IProgress<long>? progress)
    {
        _folder = folder;
        _progress = progress;
    }

    /// <summary>Opens a folder's model.safetensors, else the files that model.safetensors.index.json names.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="progress">Told the bytes copied so far, after each weight.</param>
    /// <exception cref="InvalidDataException">A file is missing or malformed, or two hold the same tensor.</exception>
    public static SafetensorsCheckpoint Open(string folder, IProgress<long>? progress)
    {
        var checkpoint = new SafetensorsCheckpoint(folder, progress);
        try
        {
            string single = Path.Combine(folder, SingleName);
            if (File.Exists(single))
            {
                checkpoint.Add(single);
            }
            else
            {
                SafetensorsIndex index = SafetensorsIndex.Read(folder);
                foreach (string path in index.FilePaths)
                {
                    checkpoint.Add(path);
                }

                index.RequirePlaces(name => checkpoint._tensors.TryGetValue(name, out var tensor) ? tensor.File.Path : null);
            }

            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>The files that <see cref="Open"/> opens.</summary>
    /// <exception cref="InvalidDataException">A file is missing, or the index is malformed.</exception>
    public static IReadOnlyList<string> FilesOf(string folder)
    {
        string single = Path.Combine(folder, SingleName);
        return File.Exists(single) ? [single] : SafetensorsIndex.Read(folder).FilePaths;
    }

    /// <summary>Checks that the files hold the expected tensors and no others.</summary>
    /// <param name="expected">All weights of the model.</param>
    /// <param name="mayIgnore">Tells names that may be there without being expected.</param>
    /// <exception cref="InvalidDataException">Lists missing, extra and mis-shaped tensors and types that are not supported.</exception>
    public void RequireTensors(IEnumerable<TensorSpec> expected, Func<string, bool> mayIgnore)
    {
        var faults = new TensorFaults();
        var unexpected = new HashSet<string>(_tensors.Keys, StringComparer.Ordinal);
        foreach (TensorSpec spec in expected)
        {
            unexpected.Remove(spec.Name);
            if (!_tensors.TryGetValue(spec.Name, out var tensor))
            {
                faults.AddMissing(spec);
            }
            else
            {
                faults.Check(spec, tensor.Entry);
            }
        }

        foreach (string name in unexpected.Where(name => !mayIgnore(name)).Order(StringComparer.Ordinal))
        {
            faults.AddExtra(_tensors[name].Entry);
        }

        faults.ThrowIfAny(_folder);
    }

    /// <inheritdoc/>
    public void Read(string name, torch.Tensor destination)
    {
        (SafetensorsFile file, SafetensorsEntry entry) = _tensors[name];
        using (torch.no_grad())
        using (torch.NewDisposeScope())
        {
            destination.copy_(file.Map(entry));
        }

        _copiedBytes += entry.ByteCount;
        _progress?.Report(_copiedBytes);
    }

    public void Dispose() => _files.ForEach(file => file.Dispose());

    private void Add(string path)
    {
        var file = new SafetensorsFile(path);
        _files.Add(file);
        foreach (SafetensorsEntry entry in file.Entries)
        {
            if (!_tensors.TryAdd(entry.Name, (file, entry)))
            {
                throw SafetensorsHeader.Refuse(path, $"tensor {SafetensorsEntryReader.Quote(entry.Name)} is in {_tensors[entry.Name].File.Path} too");
            }
        }
    }
}
