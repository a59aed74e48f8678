using MixKVQ.AgentConnector.Cache.Paging;

namespace MixKVQ.AgentConnector.Tests.Cache.Paging;

public sealed class PagePoolTests
{
    [Fact]
    public unsafe void ARentedSlab_IsAlignedAndZeroAndCounted()
    {
        using var pool = new PagePool();
        Page page = pool.Rent(100);
        Assert.Equal(128, page.SlabBytes);
        Assert.Equal(0, (nint)page.Start % PagePool.Granularity);
        Assert.Equal(new byte[128], page.Bytes.ToArray());
        page.Bytes.Fill(7);
        Assert.Equal((128, 1), (pool.LiveBytes, pool.LivePageCount));
        page.Release();
        pool.CheckIntegrity();
        Assert.Equal((0, 0), (pool.LiveBytes, pool.LivePageCount));
        Assert.Equal(new byte[128], Used(pool.Rent(128)));
    }

    [Fact]
    public void FreedSlabs_AreReusedAndKeptUpToAnEighthOfThoseInUse()
    {
        using var pool = new PagePool();
        Page[] pages = [.. Enumerable.Range(0, 18).Select(_ => pool.Rent(1024))];
        pages[0].Release();
        Assert.Equal(18 * 1024, pool.AllocatedBytes);
        pages[1].Release();
        Assert.Equal(18 * 1024, pool.AllocatedBytes);
        pages[2].Release();
        Assert.Equal(16 * 1024, pool.AllocatedBytes);
        pages[0] = pool.Rent(1000);
        Assert.Equal(16 * 1024, pool.AllocatedBytes);
        pool.CheckIntegrity();
        pages[0].Release();
        Assert.All(pages[3..], page => page.Release());
        Assert.Equal(0, pool.AllocatedBytes);
        pool.CheckIntegrity();
    }

    [Fact]
    public void AnAllocationThatFails_LeavesTheBooksAsTheyWere()
    {
        var memory = new FailingSlabs();
        using var pool = new PagePool(memory);
        Page page = pool.Rent(64);
        memory.Failure = new InsufficientMemoryException("none left");
        Assert.Throws<InsufficientMemoryException>(() => pool.Rent(128));
        pool.CheckIntegrity();
        Assert.Equal((64, 1), (pool.LiveBytes, pool.LivePageCount));
        memory.Failure = null;
        pool.Rent(128).Release();
        page.Release();
        pool.CheckIntegrity();
    }

    [Fact]
    public void AReleasedPage_CannotBeUsed()
    {
        using var pool = new PagePool();
        Page page = pool.Rent(64);
        page.AddReference().Release();
        Assert.Equal(1, page.ReferenceCount);
        page.Release();
        Assert.Throws<ObjectDisposedException>(() => page.Bytes.Length);
        Assert.Throws<ObjectDisposedException>(page.Release);
        Assert.Throws<ObjectDisposedException>(page.AddReference);
    }

    [Fact]
    public void ConcurrentRentsAndReleases_KeepTheBooks()
    {
        using var pool = new PagePool();
        Parallel.For(0, 8, worker =>
        {
            var random = new Random(worker);
            List<Page> held = [];
            for (int i = 0; i < 500; i++)
            {
                if (random.Next(2) == 0)
                {
                    held.Add(pool.Rent(64 * random.Next(1, 5)));
                    held[^1].Bytes.Fill((byte)worker);
                }
                else if (held.Count > 0)
                {
                    Page page = held[random.Next(held.Count)];
                    Assert.True(page.Bytes.IndexOfAnyExcept((byte)worker) < 0);
                    held.Remove(page);
                    page.Release();
                }
            }

            held.ForEach(page => page.Release());
        });
        pool.CheckIntegrity();
        Assert.Equal((0, 0), (pool.LiveBytes, pool.LivePageCount));
    }

    private static byte[] Used(Page page)
    {
        byte[] bytes = page.Bytes.ToArray();
        page.Release();
        return bytes;
    }
}
