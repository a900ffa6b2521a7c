namespace ThreeFs.Base.Memory;

/// <summary>
/// Some pieces of native memory that together are one payload, in order. One piece is held inline; several lie in an array
/// that the creator neither changes nor reuses until the operation they were handed to has completed. Owns nothing.
/// </summary>
public readonly struct IoSlices
{
    /// <summary>Most pieces of one payload: what one scatter/gather system call takes.</summary>
    public const int MaxCount = 1024;

    private readonly IoMemory _single;
    private readonly IoMemory[]? _many;

    public IoSlices(IoMemory single)
    {
        _single = single;
        Count = single.IsEmpty ? 0 : 1;
        TotalLength = single.Length;
    }

    /// <summary>The first <paramref name="count"/> elements of <paramref name="pieces"/>.</summary>
    public IoSlices(IoMemory[] pieces, int count)
    {
        Invariant.Check((uint)count <= (uint)pieces.Length && count <= MaxCount, "a payload has at most 1024 pieces");
        _many = pieces;
        Count = count;
        var total = 0L;
        for (var i = 0; i < count; i++) total += pieces[i].Length;
        TotalLength = total;
    }

    public int Count { get; }

    /// <summary>Bytes of all pieces together.</summary>
    public long TotalLength { get; }

    public bool IsEmpty => TotalLength == 0;

    public IoMemory this[int index]
    {
        get
        {
            Invariant.Check((uint)index < (uint)Count, "the piece exists");
            return _many is null ? _single : _many[index];
        }
    }

    /// <summary>Copies the bytes at <paramref name="offset"/> of this payload; the two lengths decide how many.</summary>
    public void CopyTo(long offset, Span<byte> destination)
    {
        for (var i = 0; i < Count && !destination.IsEmpty; i++)
        {
            var piece = this[i];
            if (offset >= piece.Length)
            {
                offset -= piece.Length;
                continue;
            }

            var part = piece.Span[(int)offset..];
            if (part.Length > destination.Length) part = part[..destination.Length];
            part.CopyTo(destination);
            destination = destination[part.Length..];
            offset = 0;
        }
    }

    /// <summary>Overwrites this payload from <paramref name="offset"/> on with <paramref name="source"/>, as far as it fits.</summary>
    public void CopyFrom(long offset, ReadOnlySpan<byte> source)
    {
        for (var i = 0; i < Count && !source.IsEmpty; i++)
        {
            var piece = this[i];
            if (offset >= piece.Length)
            {
                offset -= piece.Length;
                continue;
            }

            var part = piece.Span[(int)offset..];
            var length = Math.Min(part.Length, source.Length);
            source[..length].CopyTo(part);
            source = source[length..];
            offset = 0;
        }
    }

    /// <summary>
    /// Reads a byte of every page. The kernel answers EFAULT for memory that another process has cut off a file that is
    /// mapped here; this process's own access is a fault that its guard repairs, and then the kernel finds a page too.
    /// (Where nobody guards such memory, it ends the process, as any use of it would.)
    /// </summary>
    public void Touch()
    {
        const int page = 4096;
        for (var i = 0; i < Count; i++)
        {
            var bytes = this[i].Span;
            for (var at = 0; at < bytes.Length; at += page) Volatile.Read(ref bytes[at]);
            if (!bytes.IsEmpty) Volatile.Read(ref bytes[^1]);
        }
    }

    public static implicit operator IoSlices(IoMemory single) => new(single);
}
