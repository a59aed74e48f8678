using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda;

public sealed class DeviceBytesTests
{
    [Fact]
    public void MemoryThatIsRefused_ChangesNothing()
    {
        using var bytes = new DeviceBytes(CPU);
        Assert.True(bytes.Reserve(1000));
        nint address = bytes.Address;
        Assert.ThrowsAny<Exception>(() => bytes.Reserve(1L << 55));
        Assert.Equal(address, bytes.Address);
        Assert.False(bytes.Reserve(900));
        Assert.True(bytes.Reserve(2000));
    }
}
