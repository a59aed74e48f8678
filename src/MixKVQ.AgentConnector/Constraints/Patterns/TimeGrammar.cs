namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>Dates and times of RFC 3339, section 5.6 and appendix A, as far as .NET's own types hold them.</summary>
internal static class TimeGrammar
{
    /// <summary>A day of the calendar from year 1 on.</summary>
    public const string Date = $"(?:{Year}-{DayOfAnyYear}|{LeapDay})";

    /// <summary>Without leap seconds.</summary>
    public const string Time = $"{TimeOfDay}(?:Z|{Offset})";

    /// <summary>The first and the last year stand with Z only: an offset could lead out of what a DateTimeOffset holds.</summary>
    public const string DateTime = $"(?:{Date}T{TimeOfDay}Z|(?:{InnerYear}-{DayOfAnyYear}|{LeapDay})T{TimeOfDay}{Offset})";

    /// <summary>Numbers are so short that a TimeSpan holds every duration.</summary>
    public const string Duration =
        $"P(?:{Days}(?:T{Clock})?|T{Clock}|{Weeks})";

    private const string Year = @"(?:[1-9]\d{3}|0[1-9]\d\d|00[1-9]\d|000[1-9])";

    private const string InnerYear = @"(?:[1-8]\d{3}|9[0-8]\d\d|99[0-8]\d|999[0-8]|0[1-9]\d\d|00[1-9]\d|000[2-9])";

    private const string DayOfAnyYear =
        @"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))";

    /// <summary>February 29 in years that 4 divides, but of the centuries only those that 400 divides.</summary>
    private const string LeapDay = @"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29";

    private const string TimeOfDay = @"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,7})?";

    /// <summary>At most 14 hours, as a DateTimeOffset has it.</summary>
    private const string Offset = @"[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00)";

    private const string Days = @"(?:\d{1,4}Y(?:\d{1,4}M(?:\d{1,5}D)?)?|\d{1,4}M(?:\d{1,5}D)?|\d{1,5}D)";

    private const string Clock = @"(?:\d{1,5}H(?:\d{1,5}M(?:\d{1,5}S)?)?|\d{1,5}M(?:\d{1,5}S)?|\d{1,5}S)";

    private const string Weeks = @"\d{1,4}W";
}
