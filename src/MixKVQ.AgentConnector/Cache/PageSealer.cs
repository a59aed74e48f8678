using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Threading;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>
/// Turns a full tail into a page: measures it, has the policy plan it, packs it into a slab. Nothing else changes, so a failure leaves the cache as it was.
/// Blocks are measured and packed by a team; the page does not depend on who does what. One caller at a time goes ahead, the others wait.
/// </summary>
internal sealed unsafe class PageSealer : IPageSealer
{
    private readonly Lock _lock = new();
    private readonly PackedPageLayout _layout;
    private readonly ICachePolicy _policy;
    private readonly PagePool _pool;
    private readonly WorkerTeam _team;
    private readonly BlockSealer[] _workers;
    private readonly TeamJob _measuring;
    private readonly TeamJob _packing;
    private readonly PageStatistics _page;
    private readonly byte[] _widths;
    private byte* _tail;
    private Page? _target;
    private bool _isFinite;

    /// <param name="layout">How pages are laid out.</param>
    /// <param name="policy">Plans widths.</param>
    /// <param name="pool">Where pages live.</param>
    /// <param name="team">Shares the blocks. Nobody else may run it while a page is being sealed.</param>
    public PageSealer(PackedPageLayout layout, ICachePolicy policy, PagePool pool, WorkerTeam team)
    {
        (_layout, _policy, _pool, _team) = (layout, policy, pool, team);
        _workers = [.. Enumerable.Range(0, team.Size).Select(_ => new BlockSealer(layout, policy.ValueFit))];
        _measuring = new TeamJob(Measure);
        _packing = new TeamJob(Pack);
        _page = new PageStatistics(Geometry.BlockCount, layout.Keys, layout.Values);
        _widths = new byte[_page.Minima.Length];
        FixedPageBytes = FixedBytes(layout, policy);
    }

    /// <inheritdoc/>
    public int? FixedPageBytes { get; }

    private CacheGeometry Geometry => _layout.Geometry;

    private int BlockBytes => CacheGeometry.PageTokens * Geometry.HeadDim * Geometry.ElementBytes;

    /// <inheritdoc/>
    public Page Seal(Tensor tail, IQueryStatistics statistics, int firstToken)
    {
        using Tensor host = tail.cpu();
        lock (_lock)
        {
            _tail = (byte*)TensorMemory.DataPointer(host);
            _isFinite = true;
            _team.Run(_measuring, Geometry.BlockCount);
            if (!_isFinite)
            {
                RequireFinite(host, firstToken);
            }

            _page.AddQueries((QueryStatistics)statistics, Geometry);
            long baseBytes = _layout.HeaderBytes + _page.KeyZeroBytes.Sum(zeroBytes => (long)_layout.BaseBlockBytes(zeroBytes, _policy.ScaleBytes));
            _policy.Plan(_page, FixedPageBytes - baseBytes ?? long.MaxValue, _widths);
            _target = LayOut();
            _team.Run(_packing, Geometry.BlockCount);
            return _target;
        }
    }

    /// <inheritdoc/>
    public void RequireFinite(Tensor rows, int firstToken)
    {
        using Tensor host = rows.cpu();
        int bytes = checked((int)(host.numel() * Geometry.ElementBytes));
        FiniteElements.Require(new ReadOnlySpan<byte>((byte*)TensorMemory.DataPointer(host), bytes), _layout.Keys.Format, Geometry, firstToken);
    }

    private void Measure(int block, int worker)
    {
        if (!_workers[worker].TryMeasure(Keys(block), Values(block), block, _page))
        {
            Volatile.Write(ref _isFinite, false);
        }
    }

    private void Pack(int block, int worker) => _workers[worker].Pack(Keys(block), Values(block), block, _page, _widths, _target!.Bytes);

    /// <summary>Takes a page that has room for the plan, and writes where each matrix is to be.</summary>
    private Page LayOut()
    {
        var plan = PlannedPage.Of(_layout, _page, _policy.ScaleBytes, _widths);
        Page page = _pool.Rent(plan.SlabBytes(FixedPageBytes));
        _layout.WriteOffsets(page.Bytes, plan.Offsets);
        page.Contents = plan.Contents(page.SlabBytes);
        return page;
    }

    private ReadOnlySpan<byte> Keys(int block) => Part(block, 0);

    private ReadOnlySpan<byte> Values(int block) => Part(block, 1);

    private ReadOnlySpan<byte> Part(int block, int part)
    {
        (int layer, int head) = Math.DivRem(block, Geometry.KeyValueHeadCount);
        return new ReadOnlySpan<byte>(_tail + (long)((2 * layer + part) * Geometry.KeyValueHeadCount + head) * BlockBytes, BlockBytes);
    }

    /// <summary>Bytes of every page under a policy with a target, null without one.</summary>
    /// <exception cref="ArgumentException">The model's heads are too small for the target.</exception>
    public static int? FixedBytes(PackedPageLayout layout, ICachePolicy policy)
    {
        if (policy.TargetBits is not double target)
        {
            return null;
        }

        double bitsPerByte = 8.0 / (layout.Geometry.ElementsPerToken * CacheGeometry.PageTokens);
        int bytes = (int)(target / bitsPerByte) / PagePool.Granularity * PagePool.Granularity;
        int least = layout.HeaderBytes + layout.Geometry.BlockCount * layout.BaseBlockBytes(2, policy.ScaleBytes);
        return bytes >= least ? bytes : throw new ArgumentException(
            $"A target of {target} bits an element cannot be met with {layout.Geometry.KeyValueHeadCount} KV heads of {layout.Geometry.HeadDim}: " +
            $"codes of {layout.Keys.Palette.Base} bits with their scales take up to {Math.Ceiling((least + PagePool.Granularity - 1) * bitsPerByte * 100) / 100:0.00}. Set TargetBits to that or more.");
    }

    private sealed class TeamJob(Action<int, int> execute) : ITeamJob
    {
        public void Execute(int item, int worker) => execute(item, worker);
    }
}
