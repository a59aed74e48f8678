using MixKVQ.AgentConnector.GpuCheck;
using MixKVQ.AgentConnector.GpuCheck.Attention;
using MixKVQ.AgentConnector.GpuCheck.Loading;
using MixKVQ.AgentConnector.GpuCheck.Parity;
using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.GpuCheck;

/// <summary>The comparisons that the GPU check makes, made with the emulator: what it would say is wrong on a GPU is the GPU's.</summary>
public sealed class ParityTests
{
    private static readonly AttentionCase Small = new("small", new AttentionHeads(4, 2, 64), new KvCacheOptions { TargetBits = 3.5 }, ScalarType.BFloat16, 1, 33, 200);

    [Fact]
    public void DecodeAttention_Agrees()
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");

        Assert.InRange(AttentionParity.OfDecoding(Emulated(), Small).Largest, 0, Small.Bar);
    }

    [Fact]
    public void SealedPages_Agree()
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");

        (_, double errorRatio) = SealingParity.Compare(Emulated(), Small);

        Assert.InRange(errorRatio, 0.98, 1.02);
    }

    [Fact]
    public void ProgramsOfAllCases_AreKnownBeforeAnyIsCompiled()
    {
        IReadOnlyCollection<KernelProgram> programs = KernelsAhead.Programs(Emulated(), AttentionCase.All);

        Assert.Superset(new HashSet<string> { "DecodeAttention", "MergeSplits", "PrefillAttention", "SealPage" }, programs.Select(program => program.File).ToHashSet());
        Assert.True(programs.Count > AttentionCase.All.Count);
    }

    [Fact]
    public void WhatIsNoNumber_IsInfinitelyFar()
    {
        using Tensor expected = tensor(new[] { 1f, 2f }), actual = tensor(new[] { float.NaN, 2f });

        Assert.Equal(double.PositiveInfinity, Difference.Of(expected, actual).Largest);
        Assert.Equal(0, Difference.Of(expected, expected).Largest);
    }

    private static CheckMachine Emulated() => new(CPU, new EmulatedDevice(), 1L << 30, CheckOptions.Read([], []), new CheckReport());
}
