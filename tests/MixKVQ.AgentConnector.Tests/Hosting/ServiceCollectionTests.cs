using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MixKVQ.AgentConnector.Tests.Hosting;

public sealed class ServiceCollectionTests
{
    [Fact]
    public void Client_IsRegisteredWithItsMiddleware()
    {
        using var folder = new ConfigFolder();
        var services = new ServiceCollection();
        services.AddMixKvqChatClient(options => options.ModelPath = folder.Path).UseFunctionInvocation();
        using ServiceProvider provider = services.BuildServiceProvider();

        IChatClient client = provider.GetRequiredService<IChatClient>();
        Assert.IsType<FunctionInvokingChatClient>(client);
        Assert.NotNull(client.GetService<MixKvqChatClient>());
        Assert.Same(client, provider.GetRequiredService<IChatClient>());
        Assert.Equal(("mixkvq", folder.Name), (client.GetService<ChatClientMetadata>()!.ProviderName, client.GetService<ChatClientMetadata>()!.DefaultModelId));
    }

    [Fact]
    public void KeyedClients_HaveOptionsOfTheirOwn()
    {
        using var one = new ConfigFolder();
        using var two = new ConfigFolder();
        var services = new ServiceCollection();
        services.AddKeyedMixKvqChatClient("one", options => options.ModelPath = one.Path);
        services.AddKeyedMixKvqChatClient("two", Configuration(("ModelPath", two.Path), ("Stateful", "true"), ("Cache:TargetBits", "3")));
        using ServiceProvider provider = services.BuildServiceProvider();

        Assert.Equal(one.Name, provider.GetRequiredKeyedService<IChatClient>("one").GetService<ChatClientMetadata>()!.DefaultModelId);
        Assert.Equal(two.Name, provider.GetRequiredKeyedService<IChatClient>("two").GetService<ChatClientMetadata>()!.DefaultModelId);
        MixKvqOptions bound = provider.GetRequiredService<IOptionsMonitor<MixKvqOptions>>().Get("two");
        Assert.True(bound.Stateful);
        Assert.Equal(3, bound.Cache.TargetBits);
        Assert.Null(provider.GetService<IChatClient>());
    }

    [Fact]
    public void WrongOptions_AreAllNamedAtStart()
    {
        var services = new ServiceCollection();
        services.AddMixKvqChatClient(options =>
        {
            options.ModelPath = "no/such/folder";
            options.Device = "tpu";
            options.DType = "int4";
            options.ThreadCount = 0;
            options.ContextLength = 1;
            options.MaxConversations = 0;
            options.MaxOutputTokens = 0;
            options.ContextOverflow = (ContextOverflowPolicy)7;
            options.TorchLibraryPath = "no/such/lib";
            options.Weights = (WeightPrecision)9;
            options.Cache.TargetBits = 0.5;
        });
        using ServiceProvider provider = services.BuildServiceProvider();

        string message = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate()).Message;
        Assert.All(
            ["ModelPath", "no/such/folder", "Device is 'tpu'", "DType is 'int4'", "ThreadCount is 0", "ContextLength is 1", "MaxConversations is 0", "MaxOutputTokens is 0", "ContextOverflow is 7", "TorchLibraryPath", "Weights is 9", "Cache.TargetBits is 0.5"],
            fault => Assert.Contains(fault, message, StringComparison.Ordinal));
    }

    [Fact]
    public void WeightsOf8BitsOnAGpu_AreRefusedAtStart()
    {
        var services = new ServiceCollection();
        services.AddMixKvqChatClient(options => (options.Device, options.Weights) = ("cuda", WeightPrecision.EightBit));
        using ServiceProvider provider = services.BuildServiceProvider();
        string message = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate()).Message;
        Assert.Contains("Weights is EightBit, which runs on the CPU only, but Device is 'cuda'", message, StringComparison.Ordinal);
    }

    [Fact]
    public void OptionsOfConversations_ComeFromConfiguration()
    {
        using var folder = new ConfigFolder();
        var services = new ServiceCollection();
        services.AddMixKvqChatClient(Configuration(
            ("ModelPath", folder.Path), ("SlidingExpiration", "01:30:00"), ("AbsoluteExpiration", "7.00:00:00"), ("KeepThoughts", "false"),
            ("Cache:MemoryBudget", "12GiB"), ("Cache:SpillDirectory", "agents"), ("Cache:SpillLimit", "500MB")));
        using ServiceProvider provider = services.BuildServiceProvider();
        provider.GetRequiredService<IStartupValidator>().Validate();
        MixKvqOptions options = provider.GetRequiredService<IOptionsMonitor<MixKvqOptions>>().CurrentValue;
        Assert.Equal((TimeSpan.FromMinutes(90), TimeSpan.FromDays(7), false), (options.SlidingExpiration, options.AbsoluteExpiration, options.KeepThoughts));
        Assert.Equal((12L << 30, "agents", 500_000_000L), (options.Cache.MemoryBudgetBytes, options.Cache.SpillDirectory, options.Cache.SpillLimitBytes));
    }

    [Fact]
    public void WrongOptionsOfConversations_AreAllNamed()
    {
        using var folder = new ConfigFolder();
        var services = new ServiceCollection();
        services.AddMixKvqChatClient(Configuration(
            ("ModelPath", folder.Path), ("SlidingExpiration", "00:00:00"), ("AbsoluteExpiration", "-01:00:00"),
            ("Cache:MemoryBudget", "101%"), ("Cache:SpillDirectory", " "), ("Cache:SpillLimit", "25%")));
        using ServiceProvider provider = services.BuildServiceProvider();
        string message = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate()).Message;
        Assert.All(
            ["SlidingExpiration is 00:00:00", "AbsoluteExpiration is -01:00:00", "Cache.MemoryBudget is '101%'", "Cache.SpillDirectory is empty", "Cache.SpillLimit is '25%'"],
            fault => Assert.Contains(fault, message, StringComparison.Ordinal));
    }

    [Fact]
    public void UnknownConfigurationKey_IsAnErrorThatNamesIt()
    {
        using var folder = new ConfigFolder();
        var services = new ServiceCollection();
        services.AddMixKvqChatClient(Configuration(("ModelPath", folder.Path), ("MaxConversation", "3")));
        using ServiceProvider provider = services.BuildServiceProvider();
        Exception error = Assert.ThrowsAny<Exception>(() => provider.GetRequiredService<IStartupValidator>().Validate());
        Assert.Contains("MaxConversation", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_ChecksOptions()
    {
        string message = Assert.Throws<OptionsValidationException>(() => new MixKvqChatClient(new MixKvqOptions())).Message;
        Assert.Contains("ModelPath is empty", message, StringComparison.Ordinal);
    }

    private static IConfiguration Configuration(params (string Key, string Value)[] values) =>
        new ConfigurationBuilder().AddInMemoryCollection(values.Select(value => KeyValuePair.Create<string, string?>($"MixKvq:{value.Key}", value.Value))).Build().GetSection("MixKvq");

    /// <summary>A folder that looks like a model's, as far as options are concerned.</summary>
    private sealed class ConfigFolder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mixkvq-options-");

        public ConfigFolder() => File.WriteAllText(System.IO.Path.Combine(Path, "config.json"), "{}");

        public string Path => _folder.FullName;

        public string Name => _folder.Name;

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
