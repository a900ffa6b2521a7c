using System.Buffers;
using ThreeFs.Base.Memory;

namespace ThreeFs.Client.Files;

/// <summary>
/// A part of a payload as a payload of its own, without copying bytes. A part of several pieces borrows an array until
/// <see cref="Dispose"/>; call it when the operation on the slices has completed.
/// </summary>
internal readonly struct SliceWindow : IDisposable
{
    private readonly IoMemory[]? _borrowed;

    private SliceWindow(IoSlices slices, IoMemory[]? borrowed)
    {
        Slices = slices;
        _borrowed = borrowed;
    }

    public IoSlices Slices { get; }

    public static SliceWindow Of(IoSlices payload, long offset, long length)
    {
        if (offset == 0 && length == payload.TotalLength) return new SliceWindow(payload, null);
        if (payload.Count == 1) return new SliceWindow(payload[0].Slice((int)offset, (int)length), null);
        var pieces = ArrayPool<IoMemory>.Shared.Rent(payload.Count);
        var count = 0;
        for (var i = 0; i < payload.Count && length > 0; i++)
        {
            var piece = payload[i];
            if (offset >= piece.Length)
            {
                offset -= piece.Length;
                continue;
            }

            var take = (int)Math.Min(piece.Length - offset, length);
            pieces[count++] = piece.Slice((int)offset, take);
            length -= take;
            offset = 0;
        }

        return new SliceWindow(new IoSlices(pieces, count), pieces);
    }

    /// <summary>Overwrites the bytes from <paramref name="from"/> to the end with zeros.</summary>
    public static void Clear(IoSlices payload, long from)
    {
        for (var i = 0; i < payload.Count; i++)
        {
            var piece = payload[i];
            if (from < piece.Length) piece.Span[(int)Math.Max(from, 0)..].Clear();
            from -= piece.Length;
        }
    }

    public void Dispose()
    {
        if (_borrowed is not null) ArrayPool<IoMemory>.Shared.Return(_borrowed);
    }
}
