using MixKVQ.AgentConnector.Cache.Paging;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Cache.Paging;

public sealed class DeviceSlabsTests
{
    private readonly DeviceSlabs _slabs = new(CPU);

    [Fact]
    public void Slabs_AreAlignedAndKeepTheirBytesApart()
    {
        nint[] all = [.. Enumerable.Range(0, 20).Select(_ => _slabs.Allocate(192))];
        Assert.Equal(20, all.Distinct().Count());
        for (int i = 0; i < all.Length; i++)
        {
            Assert.Equal(0, all[i] % PagePool.Granularity);
            _slabs.Write(Filled(192, i), all[i]);
        }

        _slabs.Clear(all[3], 190);
        byte[] read = new byte[192];
        for (int i = 0; i < all.Length; i++)
        {
            _slabs.Read(all[i], read);
            Assert.Equal(i == 3 ? [.. new byte[190], 3, 3] : Filled(192, i), read);
        }

        _slabs.Write(Filled(100, 8), all[9]);
        Assert.True(_slabs.AreEqual(all[8], all[9], 100));
        Assert.False(_slabs.AreEqual(all[8], all[9], 101));
        Array.ForEach(all, _slabs.Free);
        Assert.Equal(0, _slabs.ReservedBytes);
    }

    [Fact]
    public void MemoryIsTakenForAsManySlabsAsThereAre_AndForOneOfASizeThatComesOnce()
    {
        nint once = _slabs.Allocate(64);
        Assert.Equal(64, _slabs.ReservedBytes);
        _slabs.Free(once);
        nint[] all = [.. Enumerable.Range(0, 5).Select(_ => _slabs.Allocate(128))];
        Assert.Equal(8 * 128, _slabs.ReservedBytes);
        Array.ForEach(all, _slabs.Free);
        Assert.Equal(0, _slabs.ReservedBytes);
    }

    [Fact]
    public void ARegion_HasABound()
    {
        const int slab = 30 << 20;
        nint[] all = [.. Enumerable.Range(0, 5).Select(_ => _slabs.Allocate(slab))];
        Assert.Equal(6L * slab, _slabs.ReservedBytes);
        Array.ForEach(all, _slabs.Free);
    }

    [Fact]
    public void AFreeSlabOfTheFullestRegion_IsTakenFirst_SoThatOthersGoBack()
    {
        nint[] all = [.. Enumerable.Range(0, 8).Select(_ => _slabs.Allocate(64))];

        // Regions of 1, 1, 2 and 4: one of the four and one of the two become free, and one is taken.
        _slabs.Free(all[7]);
        _slabs.Free(all[6]);
        _slabs.Free(all[3]);
        Assert.Equal(all[3], _slabs.Allocate(64));
        _slabs.Free(all[5]);
        _slabs.Free(all[4]);
        Assert.Equal(4 * 64, _slabs.ReservedBytes);
        Array.ForEach(all[..4], _slabs.Free);
        Assert.Equal(0, _slabs.ReservedBytes);
    }

    [Fact]
    public void WhatIsNoSlab_CannotBeFreed()
    {
        nint slab = _slabs.Allocate(64);
        _slabs.Free(slab);
        Assert.Throws<ArgumentException>(() => _slabs.Free(slab));
    }

    private static byte[] Filled(int count, int value)
    {
        byte[] bytes = new byte[count];
        bytes.AsSpan().Fill((byte)value);
        return bytes;
    }
}
