using System.Reflection;
using System.Runtime.CompilerServices;

namespace MixKVQ.AgentConnector.Tests.Architecture;

public sealed class ArchitectureTests
{
    public const string Root = "MixKVQ.AgentConnector";

    private const int LongestFileLines = 500;

    /// <summary>Namespaces whose types are doors: the product's own root and those that .NET's conventions give to extension methods.</summary>
    private static readonly string[] DoorNamespaces =
        [Root, "MixKVQ.AgentConnector.SemanticKernel", "Microsoft.Extensions.DependencyInjection", "Microsoft.SemanticKernel"];

    private static readonly Assembly Core = Assembly.Load(Root);

    private static readonly Assembly SemanticKernel = Assembly.Load(Root + ".SemanticKernel");

    [Fact]
    public void NamespacesNameOnlyTheLayersBelowThem()
    {
        string[] faults = [.. AssemblyTypeUses.Of(Core).Select(LayerRule.Fault).OfType<string>().Order(StringComparer.Ordinal)];
        Assert.True(faults.Length == 0, string.Join('\n', faults));
    }

    [Theory]
    [InlineData("Attention", "Cache.Precision", false)]
    [InlineData("Attention", "", false)]
    [InlineData("Attention", "Conversations", false)]
    [InlineData("Attention", "Cache", false)]
    [InlineData("Attention", "Cache.Packing", true)]
    [InlineData("Cache", "Attention", false)]
    [InlineData("Cache.Paging", "Models", false)]
    [InlineData("Cache.Precision", "Cache.Paging", false)]
    [InlineData("Cache", "Cache.Precision", true)]
    [InlineData("Models", "Generation", false)]
    [InlineData("Tokens.Templating.Syntax", "Chat", false)]
    [InlineData("Chat", "Tokens", true)]
    [InlineData("", "Chat", true)]
    public void TheRule_SaysWhatTheDesignSays(string from, string to, bool allowed)
    {
        TypeUse use = new($"{Root}.{from}".TrimEnd('.'), "One", $"{Root}.{to}".TrimEnd('.'), "Another");
        Assert.Equal(allowed, LayerRule.Fault(use) is null);
    }

    [Theory]
    [InlineData("Attention", "Cache", "CacheView", true)]
    [InlineData("Attention", "Cache", "KvCache", false)]
    [InlineData("Attention", "", "KvCacheOptions", false)]
    [InlineData("Cache", "", "KvCacheOptions", true)]
    [InlineData("Cache", "", "MixKvqOptions", false)]
    [InlineData("Chat", "", "TokenLogProbability", true)]
    [InlineData("Chat", "", "MixKvqChatClient", false)]
    [InlineData("Cache.Packing", "Cache", "CacheGeometry", true)]
    [InlineData("Cache.Packing", "Cache", "KvCache", false)]
    public void TheRule_KnowsTheWordsThatLayersShare(string from, string to, string type, bool allowed)
    {
        TypeUse use = new($"{Root}.{from}", "One", $"{Root}.{to}".TrimEnd('.'), type);
        Assert.Equal(allowed, LayerRule.Fault(use) is null);
    }

    [Fact]
    public void TheReader_SeesTypesInSignaturesAndInCode()
    {
        IReadOnlyCollection<TypeUse> uses = AssemblyTypeUses.Of(Core);
        const string Native = Root + ".Native";
        Assert.Contains(new TypeUse(Native, "RepairedLibrary", Native, "LoadAttempts"), uses);
        Assert.Contains(new TypeUse(Native, "TensorMemory", Native, "TorchCAbi"), uses);
    }

    [Fact]
    public void SemanticKernelConnector_UsesTheDoorsOnly()
    {
        string[] faults =
        [
            .. AssemblyTypeUses.Of(SemanticKernel)
                .Where(use => use.ToNamespace != Root && !use.ToNamespace.StartsWith(Root + ".SemanticKernel", StringComparison.Ordinal))
                .Select(use => use.ToString())
                .Order(StringComparer.Ordinal),
        ];
        Assert.True(faults.Length == 0, string.Join('\n', faults));
    }

    [Fact]
    public void OnlyDoorsArePublic()
    {
        Type[] open = [.. Own().Where(type => type.IsPublic && !DoorNamespaces.Contains(type.Namespace))];
        Assert.True(open.Length == 0, "Make these internal: " + string.Join(", ", open.Select(type => type.FullName)));
    }

    [Fact]
    public void ClassesAreSealedAbstractOrStatic()
    {
        Type[] open = [.. Own().Where(type => type.IsClass && !type.IsSealed && !type.IsAbstract && !IsBaseOfAnother(type))];
        Assert.True(open.Length == 0, "Seal these: " + string.Join(", ", open.Select(type => type.FullName)));
    }

    [Fact]
    public void SourceFilesAreShort()
    {
        string? root = RepositoryRoot();
        Assert.SkipWhen(root is null, "The sources are not where the tests were compiled.");
        string separator = Path.DirectorySeparatorChar.ToString();
        string[] faults =
        [
            .. new[] { "src", "samples", "tests" }
                .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root!, folder), "*.cs", SearchOption.AllDirectories))
                .Where(file => !file.Contains(separator + "obj" + separator, StringComparison.Ordinal))
                .Select(file => (File: Path.GetRelativePath(root!, file), Lines: File.ReadLines(file).Count()))
                .Where(file => file.Lines >= LongestFileLines)
                .Select(file => $"{file.File}: {file.Lines} lines"),
        ];
        Assert.True(faults.Length == 0, "Split these: " + string.Join(", ", faults));
    }

    /// <summary>The product's types, without those that the compiler and source generators make.</summary>
    private static IEnumerable<Type> Own() => new[] { Core, SemanticKernel }
        .SelectMany(assembly => assembly.GetTypes())
        .Where(type => type.GetCustomAttribute<CompilerGeneratedAttribute>() is null
            && !type.Name.Contains('<', StringComparison.Ordinal)
            && type.GetCustomAttribute<System.CodeDom.Compiler.GeneratedCodeAttribute>() is null
            && (DoorNamespaces.Contains(type.Namespace) || type.Namespace?.StartsWith(Root, StringComparison.Ordinal) == true));

    private static bool IsBaseOfAnother(Type type) =>
        type.Assembly.GetTypes().Any(other => other.BaseType is { } parent && (parent == type || (parent.IsGenericType && parent.GetGenericTypeDefinition() == type)));

    private static string? RepositoryRoot([CallerFilePath] string path = "")
    {
        DirectoryInfo? folder = new FileInfo(path).Directory;
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, Root + ".sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName;
    }
}
