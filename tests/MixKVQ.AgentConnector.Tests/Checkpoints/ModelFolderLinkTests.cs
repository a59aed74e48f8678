using System.Diagnostics;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Tests.Tokens;
using MixKVQ.AgentConnector.Tokens;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Checkpoints;

/// <summary>Files of a model folder that are links, pipes or empty.</summary>
public sealed class ModelFolderLinkTests
{
    private static readonly string[] FileNames =
        ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "model.safetensors", "model.safetensors.index.json"];

    public static TheoryData<string> Names => [.. FileNames];

    [Theory]
    [MemberData(nameof(Names))]
    public void LinkOutOfTheFolder_IsRefused(string name)
    {
        using ModelFolder folder = Valid();
        using var other = new ModelFolder();
        File.Move(folder.File(name), other.File("elsewhere"));
        File.CreateSymbolicLink(folder.File(name), other.File("elsewhere"));
        Assert.All([folder.File(name), "a link out of its folder"], word => Assert.Contains(word, Refusal(folder.Path, name), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void LinkThroughAFolderThatIsALink_IsRefused(string name)
    {
        using ModelFolder folder = Valid();
        using var other = new ModelFolder();
        File.Move(folder.File(name), other.File("elsewhere"));
        Directory.CreateSymbolicLink(folder.File("sub"), other.Path);
        File.CreateSymbolicLink(folder.File(name), "sub/elsewhere");
        Assert.Contains("a link out of its folder", Refusal(folder.Path, name), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EmptyFile_IsRefused(string name)
    {
        using ModelFolder folder = Valid();
        folder.With(name, "");
        Assert.All([folder.File(name), "empty"], word => Assert.Contains(word, Refusal(folder.Path, name), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Pipe_IsRefusedWithoutWaitingForIt(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no pipes among files.");
        using ModelFolder folder = Valid();
        File.Delete(folder.File(name));
        using (Process process = Process.Start("mkfifo", [folder.File(name)]))
        {
            process.WaitForExit();
        }

        Assert.All([folder.File(name), "pipe"], word => Assert.Contains(word, Refusal(folder.Path, name), StringComparison.Ordinal));
    }

    [Fact]
    public void Device_IsRefused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The device is one of Linux.");
        using ModelFolder folder = Valid();
        File.Delete(folder.File("tokenizer.json"));
        File.CreateSymbolicLink(folder.File("tokenizer.json"), "/dev/zero");
        Assert.Contains("link out of its folder", Refusal(folder.Path, "tokenizer.json"), StringComparison.Ordinal);
    }

    [Fact]
    public void LinkWithinTheFolder_IsFollowed()
    {
        using ModelFolder folder = Valid();
        Directory.CreateDirectory(folder.File("sub"));
        File.Move(folder.File("tokenizer.json"), folder.File("sub/t.json"));
        File.CreateSymbolicLink(folder.File("tokenizer.json"), "./sub/../sub/t.json");
        LoadAll(folder.Path);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void HuggingFaceCache_IsRead(bool throughALink)
    {
        using ModelFolder files = Valid();
        using var cache = new ModelFolder();
        string blobs = Directory.CreateDirectory(cache.File("models--x--y/blobs")).FullName;
        string snapshot = Directory.CreateDirectory(cache.File("models--x--y/snapshots/abc")).FullName;
        foreach (string name in FileNames.Where(name => name != "model.safetensors.index.json"))
        {
            File.Move(files.File(name), Path.Combine(blobs, $"sha-{name}"));
            File.CreateSymbolicLink(Path.Combine(snapshot, name), $"../../blobs/sha-{name}");
        }

        // The folder itself may be reached through a link: its owner made that, not its files.
        string link = cache.File("my-model");
        Directory.CreateSymbolicLink(link, snapshot);
        LoadAll(throughALink ? link : snapshot);
    }

    [Theory]
    [InlineData("../../../models--other/blobs/x")]
    [InlineData("../../refs/x")]
    [InlineData("../../blobs/../../secret")]
    [InlineData("../other/config.json")]
    public void HuggingFaceCache_IsNotLeft(string target)
    {
        using ModelFolder files = Valid();
        using var cache = new ModelFolder();
        string snapshot = Directory.CreateDirectory(cache.File("models--x--y/snapshots/abc")).FullName;
        Directory.CreateDirectory(cache.File("models--x--y/blobs"));
        string real = Path.GetFullPath(Path.Combine(snapshot, target));
        Directory.CreateDirectory(Path.GetDirectoryName(real)!);
        File.Move(files.File("config.json"), real);
        File.CreateSymbolicLink(Path.Combine(snapshot, "config.json"), target);
        Assert.Contains("link out of its folder", Assert.Throws<InvalidDataException>(() => ModelConfig.Load(snapshot)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LinksInACircle_AreRefused()
    {
        using var folder = new ModelFolder();
        File.CreateSymbolicLink(folder.File("a"), "b");
        File.CreateSymbolicLink(folder.File("b"), "a");
        Assert.Contains("circle", Assert.Throws<InvalidDataException>(() => RealPath.Of(folder.File("a"))).Message, StringComparison.Ordinal);
    }

    /// <summary>A folder with every file that is read.</summary>
    private static ModelFolder Valid()
    {
        var files = new SmallTokenizerFiles();
        ModelFolder folder = new ModelFolder().WithConfig().With("generation_config.json", "{}").With("tokenizer.json", files.Tokenizer.ToJsonString())
            .With("tokenizer_config.json", files.Config.ToJsonString()).With("chat_template.jinja", "{{ messages }}").WithIndex(("a", "model-1.safetensors"));
        using Tensor one = ones(1);
        SafetensorsWriter.Write(folder.File("model.safetensors"), [("a", one)]);
        SafetensorsWriter.Write(folder.File("model-1.safetensors"), [("a", one)]);
        return folder;
    }

    private static void LoadAll(string folder)
    {
        ModelConfig.Load(folder);
        ModelTokenizer.Load(folder);
        ChatTemplate.Load(folder);
        SafetensorsCheckpoint.Open(folder, null).Dispose();
    }

    private static string Refusal(string folder, string name)
    {
        if (name == "model.safetensors.index.json")
        {
            File.Delete(Path.Combine(folder, "model.safetensors"));
        }

        return Assert.Throws<InvalidDataException>(() => LoadAll(folder)).Message;
    }
}
