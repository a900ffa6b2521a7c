namespace ThreeFs.Kv;

/// <summary>One row of a range read; the arrays belong to the reader.</summary>
public readonly record struct KvRow(byte[] Key, byte[] Value);

/// <summary>
/// Some rows of a range. <see cref="More"/>: a limit ended the page, rows may be left (or not). To go on, pass
/// <see cref="Continuation"/> as the next <c>begin</c>, or as the next <c>end</c> of a reverse read.
/// </summary>
public sealed class KvPage(IReadOnlyList<KvRow> rows, bool more, bool reverse)
{
    public IReadOnlyList<KvRow> Rows { get; } = rows;

    public bool More { get; } = more;

    /// <summary>Where the next page starts; only meaningful when <see cref="More"/> is set.</summary>
    public byte[] Continuation => Rows.Count == 0 ? [] : reverse ? Rows[^1].Key : KvKeys.After(Rows[^1].Key);
}
