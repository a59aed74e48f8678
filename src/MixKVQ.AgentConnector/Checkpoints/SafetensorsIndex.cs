using System.Text.Json;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>model.safetensors.index.json: which file of the folder holds which tensor.</summary>
internal sealed class SafetensorsIndex
{
    private const string FileName = "model.safetensors.index.json";
    private const long MaxIndexBytes = 16 << 20;
    private const int MaxFiles = 4096;

    private readonly string _path;
    private readonly Dictionary<string, string> _filePathByTensor;

    private SafetensorsIndex(string path, Dictionary<string, string> filePathByTensor)
    {
        _path = path;
        _filePathByTensor = filePathByTensor;
        FilePaths = [.. filePathByTensor.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>The files, each once.</summary>
    public IReadOnlyList<string> FilePaths { get; }

    /// <exception cref="InvalidDataException">The index is missing or malformed, or names a file outside the folder.</exception>
    public static SafetensorsIndex Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            throw new InvalidDataException($"{folder} holds neither model.safetensors nor {FileName}; pass a folder with a safetensors checkpoint.");
        }

        using JsonDocument document = CheckpointJson.ReadObject(path, MaxIndexBytes);
        if (!document.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"{path} has no weight_map object.");
        }

        var filePaths = new Dictionary<string, string>(StringComparer.Ordinal);
        var checkedFiles = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty property in map.EnumerateObject())
        {
            string name = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : "";
            if (!checkedFiles.TryGetValue(name, out string? filePath))
            {
                filePath = ModelFolderPath.Resolve(folder, name, path);
                checkedFiles.Add(name, filePath);
            }

            if (!filePaths.TryAdd(property.Name, filePath) || checkedFiles.Count > MaxFiles)
            {
                throw new InvalidDataException($"{path} names tensor {SafetensorsEntryReader.Quote(property.Name)} twice, or more than {MaxFiles} files.");
            }
        }

        return new SafetensorsIndex(path, filePaths);
    }

    /// <summary>Checks that each tensor lies in the file that the index names for it.</summary>
    /// <param name="findFilePath">The path of the file that holds a tensor, or null.</param>
    /// <exception cref="InvalidDataException">A tensor lies elsewhere or nowhere.</exception>
    public void RequirePlaces(Func<string, string?> findFilePath)
    {
        foreach ((string name, string filePath) in _filePathByTensor)
        {
            if (findFilePath(name) != filePath)
            {
                throw new InvalidDataException($"{_path} places tensor {SafetensorsEntryReader.Quote(name)} in {filePath}, which does not hold it.");
            }
        }
    }
}
