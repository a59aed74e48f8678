using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache.Cuda;

/// <summary>
/// Turns a full tail into a page where both lie in a device's memory; the page is <see cref="PageSealer"/>'s to the last bit, given equal statistics. Under a budget
/// the device plans too, and the host waits for it once, in the end. Other policies plan on the host, since how large a page is follows from its plan.
/// One caller at a time goes ahead, the others wait.
/// </summary>
internal sealed unsafe class CudaPageSealer : IPageSealer, IDisposable
{
    /// <summary>Lines a multiple of so many elements long grow by as many bytes at every step of a kind, as the device's plan takes for granted.</summary>
    private const int EvenLength = 32;

    private readonly Lock _lock = new();
    private readonly PackedPageLayout _layout;
    private readonly ICachePolicy _policy;
    private readonly PagePool _pool;
    private readonly IKernelDevice _device;
    private readonly SealProgram _program;
    private readonly SealScratch _scratch;
    private readonly PageStatistics _page;
    private readonly byte[] _widths;
    private readonly bool _plansOnDevice;

    /// <param name="layout">How pages are laid out.</param>
    /// <param name="policy">Plans widths.</param>
    /// <param name="pool">Where pages live, in memory of the device.</param>
    /// <param name="device">Where kernels run.</param>
    /// <exception cref="ArgumentException">The model's heads are too small for the policy's target.</exception>
    /// <exception cref="CudaException">The kernels do not compile.</exception>
    public CudaPageSealer(PackedPageLayout layout, ICachePolicy policy, PagePool pool, IKernelDevice device)
    {
        (_layout, _policy, _pool, _device) = (layout, policy, pool, device);
        FixedPageBytes = PageSealer.FixedBytes(layout, policy);
        _program = new SealProgram(layout, policy, device);
        _page = new PageStatistics(layout.Geometry.BlockCount, layout.Keys, layout.Values);
        _scratch = new SealScratch(layout, _page, device);
        _widths = new byte[_page.Minima.Length];
        _plansOnDevice = policy is BudgetPolicy && layout.Values.LineLength % EvenLength == 0;
    }

    /// <inheritdoc/>
    public int? FixedPageBytes { get; }

    /// <inheritdoc/>
    public Page Seal(Tensor tail, IQueryStatistics statistics, int firstToken)
    {
        var sums = (DeviceQueryStatistics)statistics;
        lock (_lock)
        {
            SealArguments arguments = _scratch.Begin();
            arguments.Tail = TensorMemory.DataPointer(tail);
            (arguments.Magnitudes, arguments.Energies) = (sums.Magnitudes, sums.Energies);
            (arguments.TokenCount, arguments.EnergyTokenCount) = (sums.TokenCount, sums.EnergyTokenCount);
            _program.Measure(arguments);
            return _plansOnDevice ? SealByDevice(arguments, tail, firstToken) : SealByHost(arguments, tail, firstToken);
        }
    }

    /// <inheritdoc/>
    public void RequireFinite(Tensor rows, int firstToken)
    {
        using Tensor host = rows.cpu();
        int bytes = checked((int)(host.numel() * _layout.Geometry.ElementBytes));
        FiniteElements.Require(new ReadOnlySpan<byte>((byte*)TensorMemory.DataPointer(host), bytes), _layout.Keys.Format, _layout.Geometry, firstToken);
    }

    /// <summary>Gives the scratch memory back.</summary>
    public void Dispose() => _scratch.Dispose();

    private Page SealByDevice(SealArguments arguments, Tensor tail, int firstToken)
    {
        int slabBytes = FixedPageBytes!.Value;
        (int narrow, int wide) = (_layout.BaseBlockBytes(1, _policy.ScaleBytes), _layout.BaseBlockBytes(2, _policy.ScaleBytes));
        arguments.SpareBytes = slabBytes - _layout.HeaderBytes - _layout.Geometry.BlockCount * narrow;
        arguments.WideZeroBytes = wide - narrow;
        return Fill(slabBytes, page =>
        {
            arguments.Page = (nint)page.Start;
            _program.Plan(arguments);
            _program.Pack(arguments);
            SealResult result = _scratch.Result();
            RequireFinite(result, tail, firstToken);
            page.Contents = new PageContents(
                result.CodeBytes,
                result.ScaleBytes,
                result.IndexBytes + _layout.OffsetBytes,
                result.PaddingBytes + _layout.HeaderBytes - _layout.OffsetBytes + page.SlabBytes - result.UsedBytes);
        });
    }

    private Page SealByHost(SealArguments arguments, Tensor tail, int firstToken)
    {
        RequireFinite(_scratch.Result(), tail, firstToken);
        _scratch.Download(_page);
        long baseBytes = _layout.HeaderBytes + _page.KeyZeroBytes.Sum(zeroBytes => (long)_layout.BaseBlockBytes(zeroBytes, _policy.ScaleBytes));
        _policy.Plan(_page, FixedPageBytes - baseBytes ?? long.MaxValue, _widths);
        _device.Upload(_widths, arguments.Widths);
        var plan = PlannedPage.Of(_layout, _page, _policy.ScaleBytes, _widths);
        byte[] header = new byte[_layout.OffsetBytes];
        _layout.WriteOffsets(header, plan.Offsets);
        return Fill(plan.SlabBytes(FixedPageBytes), page =>
        {
            page.Write(header);
            arguments.Page = (nint)page.Start;
            _program.Pack(arguments);
            page.Contents = plan.Contents(page.SlabBytes);
        });
    }

    private void RequireFinite(SealResult result, Tensor tail, int firstToken)
    {
        if (result.NotFinite != 0)
        {
            RequireFinite(tail, firstToken);
        }
    }

    /// <summary>A page, filled in; given back where that fails.</summary>
    private Page Fill(int slabBytes, Action<Page> write)
    {
        Page page = _pool.Rent(slabBytes);
        try
        {
            write(page);
            return page;
        }
        catch
        {
            page.Release();
            throw;
        }
    }
}
