namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>
/// A JSON number between bounds and on a grid, written without an exponent and with at most 15 digits, which a double tells
/// apart. Values are counted in units of 10^-12, so all arithmetic is exact.
/// </summary>
internal sealed class NumberRule : Rule
{
    public const int MaxDigits = 15;

    public const int MaxFractionDigits = 12;

    /// <summary>The greatest value that can be written, in units.</summary>
    public static readonly Int128 MaxUnits = (Power(MaxDigits) - 1) * Power(MaxFractionDigits);

    private readonly Int128 _low;
    private readonly Int128 _high;
    private readonly Int128[] _grids = new Int128[MaxFractionDigits + 1];
    private readonly bool _isInteger;

    /// <param name="low">The least value in units of 10^-12.</param>
    /// <param name="high">The greatest value.</param>
    /// <param name="grid">Values are multiples of this; 1 for any number.</param>
    /// <param name="isInteger">Whether no fraction is written.</param>
    public NumberRule(Int128 low, Int128 high, Int128 grid, bool isInteger)
    {
        _low = Int128.Max(low, -MaxUnits);
        _high = Int128.Min(high, MaxUnits);
        _isInteger = isInteger;
        IsFree = _low == -MaxUnits && _high == MaxUnits && grid == 1;
        for (int fraction = 0; fraction <= MaxFractionDigits; fraction++)
        {
            _grids[fraction] = LeastCommonMultiple(grid, Power(MaxFractionDigits - fraction));
        }
    }

    /// <summary>Whether only the digits' count matters, since every number will do.</summary>
    public bool IsFree { get; }

    public static Int128 Power(int exponent)
    {
        Int128 power = 1;
        for (; exponent > 0; exponent--)
        {
            power *= 10;
        }

        return power;
    }

    /// <summary>Saturates at twice the greatest value: beyond that only zero is on the grid.</summary>
    public static Int128 LeastCommonMultiple(Int128 left, Int128 right)
    {
        Int128 divisor = left;
        for (Int128 rest = right; rest != 0;)
        {
            (divisor, rest) = (rest, divisor % rest);
        }

        Int128 factor = left / divisor;
        return factor > 2 * MaxUnits / right ? 2 * MaxUnits : factor * right;
    }

    /// <inheritdoc/>
    public override void Enter(FrameStack? rest, Closure closure) => closure.Add(new NumberFrame(this, default), rest);

    /// <summary>The fewest bytes that complete a number, or <see cref="Rule.Never"/>.</summary>
    public int Missing(NumberText text)
    {
        if (!text.HasSign && !text.HasDigits)
        {
            return Math.Min(Missing(text with { HasSign = true }) + 1, MissingDigits(text));
        }

        return MissingDigits(text);
    }

    /// <inheritdoc/>
    protected override (int Shortest, int Height) Measure() => (Missing(default), 0);

    private int MissingDigits(NumberText text)
    {
        int best = Never;
        bool isOpen = text.FractionDigits < 0 && !(text.HasDigits && text.IntegerDigits == 0);
        int moreInteger = isOpen ? MaxDigits - text.IntegerDigits : 0;
        for (int integer = isOpen && !text.HasDigits ? 1 : 0; integer <= moreInteger && integer < best; integer++)
        {
            int digits = text.IntegerDigits + integer;
            int fractionLimit = _isInteger ? 0 : Math.Min(MaxFractionDigits, MaxDigits - digits);
            int first = text.FractionDigits < 0 ? 0 : Math.Max(1, text.FractionDigits);
            for (int fraction = first; fraction <= fractionLimit; fraction++)
            {
                int bytes = integer + (text.FractionDigits >= 0 ? fraction - text.FractionDigits : fraction == 0 ? 0 : fraction + 1);
                if (bytes < best && Exists(text, integer, fraction))
                {
                    best = bytes;
                    break;
                }
            }
        }

        // A zero before the point is no digit that counts: its fraction may be as long as any.
        if (isOpen && !text.HasDigits)
        {
            int zero = MissingDigits(text with { HasDigits = true });
            best = Math.Min(best, zero + 1);
        }

        return best;
    }

    /// <summary>Whether the text with so many more integer digits and so many fraction digits in all can be an allowed value.</summary>
    private bool Exists(NumberText text, int moreInteger, int fraction)
    {
        // The digits so far are followed by as many free digits as this.
        int free = text.FractionDigits >= 0 ? fraction - text.FractionDigits : moreInteger + fraction;
        Int128 unit = Power(MaxFractionDigits - fraction);
        Int128 scale = Power(free) * unit;
        Int128 from = text.Digits * scale;
        Int128 to = from + scale - unit;
        if (!text.HasDigits && moreInteger > 0)
        {
            // The first digit is not zero: zero is asked for by itself.
            from = Power(moreInteger - 1) * Power(MaxFractionDigits);
        }

        Int128 low = text.HasSign ? Int128.Max(1, -_high) : Int128.Max(0, _low);
        Int128 high = text.HasSign ? -_low : _high;
        from = Int128.Max(from, low);
        to = Int128.Min(to, high);
        Int128 grid = _grids[fraction];
        return to >= from && (from + grid - 1) / grid * grid <= to;
    }
}
