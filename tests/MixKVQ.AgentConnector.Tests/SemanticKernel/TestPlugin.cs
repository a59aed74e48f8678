using System.ComponentModel;
using Microsoft.SemanticKernel;

namespace MixKVQ.AgentConnector.Tests.SemanticKernel;

/// <summary>Functions to call, which count their calls.</summary>
internal sealed class TestPlugin
{
    private int _callCount;

    public int CallCount => _callCount;

    [KernelFunction("stock")]
    [Description("Counts an item.")]
    public object Stock([Description("The item.")] string item)
    {
        Interlocked.Increment(ref _callCount);
        return new { item, count = 345 };
    }

    [KernelFunction("add")]
    [Description("Adds.")]
    public int Add(int left, int right)
    {
        Interlocked.Increment(ref _callCount);
        return left + right;
    }

    [KernelFunction("fail")]
    public string Fail()
    {
        Interlocked.Increment(ref _callCount);
        throw new InvalidOperationException("The shelf fell over.");
    }

    /// <summary>A kernel with this plugin under the name <c>Store</c>.</summary>
    public Kernel CreateKernel()
    {
        var kernel = new Kernel();
        kernel.Plugins.AddFromObject(this, "Store");
        return kernel;
    }
}
