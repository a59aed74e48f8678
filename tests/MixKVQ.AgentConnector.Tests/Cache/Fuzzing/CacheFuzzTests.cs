using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Cache.Fuzzing;

public sealed class CacheFuzzTests
{
    public static TheoryData<KvCachePolicy, torch.ScalarType, int> Cases => new()
    {
        { KvCachePolicy.MixKvq, torch.ScalarType.Float32, 64 },
        { KvCachePolicy.MixKvq, torch.ScalarType.BFloat16, 16 },
        { KvCachePolicy.MixKvqThresholds, torch.ScalarType.Float16, 32 },
        { KvCachePolicy.Uniform3, torch.ScalarType.BFloat16, 8 },
        { KvCachePolicy.FullPrecision, torch.ScalarType.BFloat16, 16 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void DamagedPagesAndImages_AreRefusedOrHarmless(KvCachePolicy policy, torch.ScalarType dtype, int headDim)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is guarded on Linux.");
        using var fuzz = new CacheFuzz(policy, dtype, headDim, seed: 1);
        for (int i = 0; i < 800; i++)
        {
            fuzz.TryPage();
        }

        Assert.True(fuzz.Accepted > 50 && fuzz.Refused > 50, $"Of pages, {fuzz.Accepted} were accepted and {fuzz.Refused} refused.");
        for (int i = 0; i < 40; i++)
        {
            fuzz.TryImage();
        }

        fuzz.CheckIntegrity();
    }
}
