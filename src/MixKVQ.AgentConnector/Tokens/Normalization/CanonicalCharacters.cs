using System.Collections;
using System.Globalization;
using System.Reflection;

namespace MixKVQ.AgentConnector.Tokens.Normalization;

/// <summary>
/// The character data of NFC and NFD, read from an embedded table. .NET takes them from ICU, and normalizes nothing where ICU
/// is absent or globalization is invariant.
/// </summary>
internal sealed class CanonicalCharacters
{
    private static readonly Lazy<CanonicalCharacters> Loaded = new(() => new CanonicalCharacters());

    private readonly Dictionary<int, int[]> _decompositions = [];
    private readonly Dictionary<(int First, int Second), int> _compositions = [];
    private readonly Dictionary<int, byte> _classes = [];
    private readonly BitArray _mayChange = new(0x110000);

    private CanonicalCharacters()
    {
        Assembly assembly = typeof(CanonicalCharacters).Assembly;
        using Stream stream = assembly.GetManifestResourceStream(typeof(CanonicalCharacters), "CanonicalCharacters.txt")
            ?? throw new InvalidOperationException("The table of canonical characters is not embedded in the assembly.");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            foreach (string entry in line.StartsWith('#') ? [] : line.Split(' '))
            {
                Add(entry);
            }
        }

        for (int jamo = Hangul.FirstVowel; jamo < Hangul.EndOfTrailing; jamo++)
        {
            _mayChange[jamo] = true;
        }
    }

    public static CanonicalCharacters Instance => Loaded.Value;

    /// <summary>The canonical combining class; 0 for starters.</summary>
    public int ClassOf(int character) => _classes.TryGetValue(character, out byte value) ? value : 0;

    /// <summary>One step of decomposition, or null. Hangul syllables are not here.</summary>
    public int[]? Decompose(int character) => _decompositions.GetValueOrDefault(character);

    /// <summary>The primary composite of two characters. Hangul is not here.</summary>
    public bool TryCompose(int first, int second, out int composite) => _compositions.TryGetValue((first, second), out composite);

    /// <summary>False only for characters that NFC leaves alone whatever stands beside them.</summary>
    public bool MayChangeInNfc(int character) => _mayChange[character];

    private void Add(string entry)
    {
        int sign = entry.AsSpan().IndexOfAny("=>-");
        int character = Hex(entry.AsSpan(0, sign));
        string rest = entry[(sign + 1)..];
        if (entry[sign] == '-')
        {
            int colon = rest.IndexOf(':', StringComparison.Ordinal);
            byte combiningClass = byte.Parse(rest.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture);
            for (int last = Hex(rest.AsSpan(0, colon)); character <= last; character++)
            {
                _classes.Add(character, combiningClass);
                _mayChange[character] = true;
            }

            return;
        }

        int[] parts = [.. rest.Split('+').Select(part => Hex(part))];
        _decompositions.Add(character, parts);
        if (entry[sign] == '=')
        {
            _compositions.Add((parts[0], parts[1]), character);
            _mayChange[parts[1]] = true;
        }
        else
        {
            _mayChange[character] = true;
        }
    }

    private static int Hex(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
