using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda;

public sealed class KernelTargetTests
{
    private static readonly int[] Known = [75, 80, 86, 87, 89, 90];

    [Theory]
    [InlineData(80, "--gpu-architecture=sm_80")]
    [InlineData(86, "--gpu-architecture=sm_86")]
    [InlineData(90, "--gpu-architecture=sm_90")]
    [InlineData(100, "--gpu-architecture=compute_90")]
    [InlineData(120, "--gpu-architecture=compute_90")]
    [InlineData(88, "--gpu-architecture=compute_87")]
    public void ADevice_GetsItsOwnMachineCode_OrTextOfTheNewestOlderArchitecture(int device, string option) =>
        Assert.Equal(option, KernelTarget.Choose(device, Known).Option);

    [Fact]
    public void ADeviceThatIsTooOld_IsRefused_WithWhatIsNeeded()
    {
        CudaException error = Assert.Throws<CudaException>(() => KernelTarget.Choose(75, Known));
        Assert.Contains("7.5", error.Message, StringComparison.Ordinal);
        Assert.Contains("8.0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ACompilerThatKnowsNothingSuitable_IsRefused() =>
        Assert.Contains("100, 120", Assert.Throws<CudaException>(() => KernelTarget.Choose(90, [100, 120])).Message, StringComparison.Ordinal);
}
