using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Native;

public sealed class TensorMemoryTests
{
    [Fact]
    public void Torch_ComputesInTheTestHost()
    {
        using Tensor ones = torch.ones(3, 4);
        using Tensor sum = ones.sum();
        Assert.Equal(12f, sum.item<float>());
    }

    [Fact]
    public unsafe void FromBlob_SharesTheMemory()
    {
        float[] values = [1, 2, 3, 4, 5, 6];
        fixed (float* data = values)
        {
            using Tensor tensor = TensorMemory.FromBlob((nint)data, [2, 3], ScalarType.Float32);
            Assert.Equal([2L, 3L], tensor.shape);
            Assert.Equal((nint)data, TensorMemory.DataPointer(tensor));
            values[4] = 50;
            using Tensor element = tensor[1, 1];
            Assert.Equal(50f, element.item<float>());
            tensor.mul_(2);
            Assert.Equal([2f, 4f, 6f, 8f, 100f, 12f], values);
        }
    }

    [Fact]
    public unsafe void FromBlob_TakesEveryElementType()
    {
        ScalarType[] types = [ScalarType.Byte, ScalarType.Int32, ScalarType.Int64, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64];
        byte[] memory = new byte[64];
        fixed (byte* data = memory)
        {
            foreach (ScalarType type in types)
            {
                using Tensor tensor = TensorMemory.FromBlob((nint)data, [8], type);
                Assert.Equal(type, tensor.dtype);
                Assert.Equal(DeviceType.CPU, tensor.device_type);
            }
        }
    }

    [Fact]
    public void FromBlob_TakesScalarsAndEmptyShapes()
    {
        using Tensor empty = TensorMemory.FromBlob(0, [0, 3], ScalarType.Float32);
        Assert.Equal(0, empty.numel());
        Assert.Throws<ArgumentException>(() => TensorMemory.FromBlob(0, [2], ScalarType.Float32));
        Assert.Throws<ArgumentException>(() => TensorMemory.FromBlob(0, [], ScalarType.Float32));
        Assert.ThrowsAny<ArgumentException>(() => TensorMemory.FromBlob(16, [-1], ScalarType.Float32));
    }

    [Fact]
    public void DataPointer_CountsTheStorageOffset()
    {
        using Tensor tensor = torch.zeros(4, 8);
        using Tensor row = tensor[2];
        Assert.Equal(TensorMemory.DataPointer(tensor) + (2 * 8 * sizeof(float)), TensorMemory.DataPointer(row));
    }

    [Fact]
    public void DataPointer_RefusesATensorWithoutStorage()
    {
        using Tensor tensor = torch.zeros(4, device: torch.META);
        Assert.Throws<ArgumentException>(() => TensorMemory.DataPointer(tensor));
    }
}
