using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Cache.Cuda;

/// <summary>SealPage.cu compiled for a page layout and a policy.</summary>
internal sealed class SealProgram
{
    // Threads of a block as the sources have them.
    private const int MeasureThreads = 128;
    private const int OrderThreads = 128;
    private const int PlanThreads = 1024;
    private const int PackThreads = 256;

    private readonly IKernel _measure, _order, _plan, _pack;
    private readonly int _blockCount;
    private readonly int _matrixCount;

    /// <param name="layout">How pages are laid out.</param>
    /// <param name="policy">Says how values' lines are fitted.</param>
    /// <param name="device">Where kernels run.</param>
    /// <exception cref="CudaException">The kernels do not compile.</exception>
    public SealProgram(PackedPageLayout layout, ICachePolicy policy, IKernelDevice device)
    {
        CacheGeometry geometry = layout.Geometry;
        IKernelModule module = device.Load(new KernelProgram(
            "SealPage",
            ("LAYERS", geometry.LayerCount),
            ("KV_HEADS", geometry.KeyValueHeadCount),
            ("GROUP_SIZE", geometry.GroupSize),
            ("HEAD_DIM", geometry.HeadDim),
            ("VALUE_GROUP", layout.Values.LineLength),
            ("ELEMENT", (int)geometry.Format),
            ("KEY_PALETTE", PaletteConstant(layout.Keys.Palette)),
            ("VALUE_PALETTE", PaletteConstant(layout.Values.Palette)),
            ("SCALE_BYTES", layout.Keys.ScaleBytes),
            ("LEAST_SQUARES", policy.ValueFit == LineFit.LeastSquares ? 1 : 0)));
        (_measure, _order) = (module.Kernel("measure_block"), module.Kernel("order_lines"));
        (_plan, _pack) = (module.Kernel("plan_page"), module.Kernel("pack_matrix"));
        _blockCount = geometry.BlockCount;
        _matrixCount = _blockCount * layout.MatricesPerBlock;
    }

    /// <summary>Measures the tail's blocks and looks for elements that are not finite.</summary>
    public void Measure(in SealArguments arguments) => _measure.Launch(arguments, new KernelGrid(_blockCount, 2), MeasureThreads);

    /// <summary>Plans widths as <see cref="BudgetPolicy"/> does and writes the page's header.</summary>
    public void Plan(in SealArguments arguments)
    {
        _order.Launch(arguments, new KernelGrid(_matrixCount), OrderThreads);
        _plan.Launch(arguments, new KernelGrid(1), PlanThreads);
    }

    /// <summary>Writes the page's matrices, where its header says and with the widths planned.</summary>
    public void Pack(in SealArguments arguments) => _pack.Launch(arguments, new KernelGrid(_matrixCount), PackThreads);

    private static int PaletteConstant(WidthPalette palette)
    {
        int constant = 0;
        for (int i = 0; i < palette.Widths.Length; i++)
        {
            constant |= palette.Widths[i] << (8 * i);
        }

        return constant;
    }
}
