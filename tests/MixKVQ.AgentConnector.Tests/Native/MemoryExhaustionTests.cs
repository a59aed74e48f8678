using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Native;

public sealed class MemoryExhaustionTests
{
    public static TheoryData<Exception, string?> Exhaustions => new()
    {
        { new TorchFailure("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.19 GiB of which 17.06 MiB is free."), "20.00 MiB" },
        { new TorchFailure("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes. Error code 12"), "4096 bytes" },
        { new TorchFailure("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), null },
        { new CudaException("cuModuleLoadData failed with CUDA_ERROR_OUT_OF_MEMORY (2): out of memory."), null },
        { new NativeAllocationFailure(), null },
    };

    [Theory]
    [MemberData(nameof(Exhaustions), DisableDiscoveryEnumeration = true)]
    public void WhatTellsOfExhaustedMemory_IsRecognized(Exception exception, string? size)
    {
        Assert.True(MemoryExhaustion.Is(exception));
        Assert.Equal(size, MemoryExhaustion.RequestedSize(exception));
    }

    [Fact]
    public void OtherFailuresAndRefusals_AreNot()
    {
        Assert.False(MemoryExhaustion.Is(new TorchFailure("The size of tensor a (3) must match the size of tensor b (4)")));
        Assert.False(MemoryExhaustion.Is(new CudaException("cuLaunchKernel failed with CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal memory access was encountered.")));
        Assert.False(MemoryExhaustion.Is(new InsufficientMemoryException("The turn needs 2 GiB out of memory that is not there.")));
        Assert.False(MemoryExhaustion.Is(new IOException("out of memory")));
    }

    [Fact]
    public void WhatTorchThrowsForATensorThatFitsNowhere_IsRecognized()
    {
        Exception failure = Assert.ThrowsAny<Exception>(() => torch.empty(1L << 55, dtype: torch.ScalarType.Byte));
        Assert.True(MemoryExhaustion.Is(failure), failure.ToString());
        Assert.Equal($"{1L << 55} bytes", MemoryExhaustion.RequestedSize(failure));
    }

    private sealed class NativeAllocationFailure : OutOfMemoryException;
}
