using CsCheck;
using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Tests.Native;

public sealed class ElfVersionRequirementsTests
{
    [Fact]
    public void TheBindingOnDisk_KeepsItsRequirement_AndACopyDiffersInOneByte()
    {
        string? folder = TorchFolders.FindHolding(TorchFolders.BindingFile);
        Assert.SkipWhen(!OperatingSystem.IsLinux() || folder is null, "The repair concerns Linux.");
        byte[] original = File.ReadAllBytes(Path.Combine(folder!, TorchFolders.BindingFile));
        byte[] copy = [.. original];

        Assert.True(ElfVersionRequirements.TryMarkWeak(copy, RepairedLibrary.Library, RepairedLibrary.Version, out _));

        int[] changed = [.. Enumerable.Range(0, original.Length).Where(i => original[i] != copy[i])];
        int at = Assert.Single(changed);
        Assert.Equal(0, original[at]);
        Assert.Equal(ElfVersionRequirements.WeakFlag, copy[at]);
    }

    [Fact]
    public void MarkingTwice_ChangesNothingMore()
    {
        byte[] image = SyntheticElf.Build();
        Assert.True(Mark(image, out _));
        byte[] once = [.. image];
        Assert.True(Mark(image, out _));
        Assert.Equal(once, image);
        Assert.Equal(ElfVersionRequirements.WeakFlag, image[SyntheticElf.FlagsOffset]);
    }

    [Theory]
    [InlineData("libone.so", "ONE_3")]
    [InlineData("libone.so", "ZERO_1")]
    [InlineData("libzero.so", "ONE_2")]
    [InlineData("libtwo.so", "ONE_2")]
    [InlineData("libone.so", "ONE_")]
    public void AnUnknownRequirement_IsNamedAndNothingChanges(string library, string version)
    {
        byte[] image = SyntheticElf.Build();
        Assert.False(ElfVersionRequirements.TryMarkWeak(image, library, version, out string? fault));
        Assert.Contains(version, fault, StringComparison.Ordinal);
        Assert.Equal(SyntheticElf.Build(), image);
    }

    [Fact]
    public void EveryTruncation_IsRefusedUnchanged()
    {
        byte[] whole = SyntheticElf.Build();
        for (int length = 0; length < whole.Length; length++)
        {
            byte[] image = whole[..length];
            Assert.False(Mark(image, out string? fault), $"{length} bytes");
            Assert.NotNull(fault);
            Assert.Equal(whole[..length], image);
        }
    }

    [Fact]
    public void ALoopOfRecords_Ends()
    {
        byte[] image = SyntheticElf.Build();
        // The first verneed says that the next one is 0xffffffe0 bytes on; with wrap-around that would be itself or one before.
        SyntheticElf.Write32(image, SyntheticElf.RecordsOffset + 12, 0xffffffe0);
        Assert.False(Mark(image, out _));
        // The vernaux of the second verneed points to itself by wrap-around.
        image = SyntheticElf.Build();
        SyntheticElf.Write32(image, SyntheticElf.RecordsOffset + 48 + 12, 0xfffffff0);
        Assert.False(Mark(image, out _));
    }

    [Fact]
    public void AnyDamage_ChangesAtMostTheFlags()
    {
        byte[] whole = SyntheticElf.Build();
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[1, 8].Sample(damage =>
        {
            byte[] image = [.. whole];
            foreach ((int offset, byte value) in damage)
            {
                image[offset] = value;
            }

            byte[] before = [.. image];
            bool marked = Mark(image, out string? fault);
            int changed = Enumerable.Range(0, image.Length).Count(i => image[i] != before[i]);
            return marked ? changed <= 2 : changed == 0 && fault is not null;
        });
    }

    [Fact]
    public void Garbage_IsRefused()
    {
        Assert.False(Mark("#!/bin/sh\n"u8.ToArray(), out string? fault));
        Assert.Contains("ELF", fault, StringComparison.Ordinal);
        byte[] big = new byte[4096];
        SyntheticElf.Build().AsSpan(0, 6).CopyTo(big);
        Assert.False(Mark(big, out _));
    }

    private static bool Mark(byte[] image, out string? fault) =>
        ElfVersionRequirements.TryMarkWeak(image, SyntheticElf.Library, SyntheticElf.Version, out fault);
}
