namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>What of a number is written.</summary>
/// <param name="HasSign">Whether a minus sign is there.</param>
/// <param name="HasDigits">Whether a digit is there.</param>
/// <param name="IntegerDigits">Digits before the point; a zero does not count.</param>
/// <param name="Fraction">One more than the digits behind the point; 0 without a point.</param>
/// <param name="Digits">All digits as one number.</param>
internal readonly record struct NumberText(bool HasSign, bool HasDigits, int IntegerDigits, int Fraction, long Digits)
{
    /// <summary>Digits behind the point; -1 without a point.</summary>
    public int FractionDigits => Fraction - 1;

    /// <summary>The text after one more byte; false where no number goes on so.</summary>
    public bool TryAppend(byte value, out NumberText next)
    {
        next = this;
        switch (value)
        {
            case (byte)'-' when !HasSign && !HasDigits:
                next = this with { HasSign = true };
                return true;
            case (byte)'.' when HasDigits && Fraction == 0:
                next = this with { Fraction = 1 };
                return true;
            case >= (byte)'0' and <= (byte)'9':
                int counted = IntegerDigits + Math.Max(0, FractionDigits);
                if (counted >= NumberRule.MaxDigits || (Fraction == 0 && HasDigits && IntegerDigits == 0))
                {
                    return false;
                }

                long digits = (Digits * 10) + value - '0';
                bool isLeadingZero = Fraction == 0 && digits == 0;
                next = this with
                {
                    HasDigits = true,
                    Digits = digits,
                    Fraction = Fraction == 0 ? 0 : Fraction + 1,
                    IntegerDigits = IntegerDigits + (Fraction == 0 && !isLeadingZero ? 1 : 0),
                };
                return true;
            default:
                return false;
        }
    }
}
