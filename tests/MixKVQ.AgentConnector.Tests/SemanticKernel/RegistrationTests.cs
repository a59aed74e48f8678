using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Services;
using MixKVQ.AgentConnector.SemanticKernel;

namespace MixKVQ.AgentConnector.Tests.SemanticKernel;

/// <summary>Nothing is loaded: the options are checked, and a config.json is all that they ask for.</summary>
public sealed class RegistrationTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("mixkvq-registration-").FullName;

    public RegistrationTests()
    {
        foreach (string folder in new[] { ModelPath, LargeModelPath })
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "config.json"), "{}");
        }
    }

    private string ModelPath => Path.Combine(_root, "planner");

    private string LargeModelPath => Path.Combine(_root, "planner-large");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Kernel_HasServiceAndClient()
    {
        Kernel kernel = Kernel.CreateBuilder().AddMixKvqChatCompletion(options => options.ModelPath = ModelPath).Build();

        var service = Assert.IsType<MixKvqChatCompletionService>(kernel.GetRequiredService<IChatCompletionService>());
        Assert.Equal("planner", service.GetModelId());
        Assert.NotNull(kernel.GetRequiredService<IChatClient>().GetService<MixKvqChatClient>());
    }

    [Fact]
    public void ServiceIds_NameServicesOfTheirOwn()
    {
        IKernelBuilder builder = Kernel.CreateBuilder()
            .AddMixKvqChatCompletion(options => options.ModelPath = ModelPath, serviceId: "small")
            .AddMixKvqChatCompletion(Configuration(LargeModelPath), serviceId: "large");

        Kernel kernel = builder.Build();

        Assert.Equal("planner", kernel.GetRequiredService<IChatCompletionService>("small").GetModelId());
        Assert.Equal("planner-large", kernel.GetRequiredService<IChatCompletionService>("large").GetModelId());
        Assert.NotSame(kernel.GetRequiredService<IChatClient>("small"), kernel.GetRequiredService<IChatClient>("large"));
    }

    [Fact]
    public void Services_AreRegisteredFromCodeAndFromConfiguration()
    {
        using ServiceProvider fromCode = new ServiceCollection().AddMixKvqChatCompletion(options => options.ModelPath = ModelPath).BuildServiceProvider();
        using ServiceProvider configured = new ServiceCollection().AddMixKvqChatCompletion(Configuration(ModelPath)).BuildServiceProvider();

        Assert.Equal("planner", fromCode.GetRequiredService<IChatCompletionService>().GetModelId());
        Assert.Equal("planner", configured.GetRequiredService<IChatCompletionService>().GetModelId());
        Assert.Same(fromCode.GetRequiredService<IChatCompletionService>(), fromCode.GetRequiredService<IChatCompletionService>());
    }

    [Fact]
    public void ChatClientAlone_IsAddedToAKernel()
    {
        Kernel kernel = Kernel.CreateBuilder()
            .AddMixKvqChatClient(options => options.ModelPath = ModelPath)
            .AddMixKvqChatClient(Configuration(ModelPath), serviceId: "other")
            .Build();

        Assert.NotNull(kernel.GetRequiredService<IChatClient>().GetService<MixKvqChatClient>());
        Assert.NotNull(kernel.GetRequiredService<IChatClient>("other").GetService<MixKvqChatClient>());
        Assert.NotNull(kernel.GetRequiredService<IChatClient>().GetService<FunctionInvokingChatClient>());
        Assert.Empty(kernel.GetAllServices<IChatCompletionService>());
    }

    [Fact]
    public void NullArguments_AreRefused()
    {
        Assert.Throws<ArgumentNullException>(() => ((IKernelBuilder)null!).AddMixKvqChatCompletion(_ => { }));
        Assert.Throws<ArgumentNullException>(() => new ServiceCollection().AddMixKvqChatCompletion((Action<MixKvqOptions>)null!));
        Assert.Throws<ArgumentNullException>(() => new ServiceCollection().AddMixKvqChatCompletion((IConfiguration)null!));
    }

    private static IConfiguration Configuration(string modelPath) =>
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["ModelPath"] = modelPath }).Build();
}
