namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>Turns rows into columns.</summary>
internal static class Transposition
{
    /// <summary>columns[c, r] = rows[r, c].</summary>
    /// <param name="rows">[rows, columns].</param>
    /// <param name="columnCount">Elements of a row.</param>
    /// <param name="columns">[columns, rows].</param>
    public static void Transpose(ReadOnlySpan<float> rows, int columnCount, Span<float> columns)
    {
        int rowCount = rows.Length / columnCount;
        for (int row = 0; row < rowCount; row++)
        {
            ReadOnlySpan<float> elements = rows.Slice(row * columnCount, columnCount);
            for (int column = 0; column < elements.Length; column++)
            {
                columns[column * rowCount + row] = elements[column];
            }
        }
    }
}
