using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using Tmds.Linux;

namespace ThreeFs.Io.Sockets;

/// <summary>
/// The pieces of memory of one scatter or gather transfer, in the kernel's form. Reused: clear, fill, transfer. It owns
/// none of the memory it points to.
/// </summary>
public sealed unsafe class IoVector
{
    private readonly iovec[] _pieces;
    private readonly msghdr[] _message = GC.AllocateArray<msghdr>(1, pinned: true);
    private int _count;

    /// <param name="capacity">Most pieces, at most 1024 (the kernel's limit).</param>
    public IoVector(int capacity)
    {
        Invariant.Check(capacity is > 0 and <= IoSlices.MaxCount, "a vector has 1 to 1024 pieces");
        _pieces = GC.AllocateUninitializedArray<iovec>(capacity, pinned: true);
    }

    public int Free => _pieces.Length - _count;

    /// <summary>Bytes of all pieces.</summary>
    public long Bytes { get; private set; }

    public bool IsEmpty => Bytes == 0;

    public void Clear()
    {
        _count = 0;
        Bytes = 0;
    }

    public void Add(nint address, int length)
    {
        if (length == 0) return;
        Invariant.Check(_count < _pieces.Length, "the vector has room");
        _pieces[_count].iov_base = (void*)address;
        _pieces[_count++].iov_len = length;
        Bytes += length;
    }

    /// <summary>
    /// Adds pieces from <paramref name="offset"/> on, up to <paramref name="limit"/> bytes, and returns the bytes
    /// added; fewer when the vector is full.
    /// </summary>
    public long Add(in IoSlices slices, long offset, long limit)
    {
        var added = 0L;
        for (var i = 0; i < slices.Count && added < limit && Free > 0; i++)
        {
            var piece = slices[i];
            if (offset >= piece.Length)
            {
                offset -= piece.Length;
                continue;
            }

            var length = (int)Math.Min(piece.Length - offset, limit - added);
            Add(piece.Address + (nint)offset, length);
            added += length;
            offset = 0;
        }

        return added;
    }

    /// <summary>The kernel's form; valid until the vector is changed.</summary>
    internal msghdr* Message()
    {
        var message = (msghdr*)Marshal.UnsafeAddrOfPinnedArrayElement(_message, 0);
        message->msg_iov = (iovec*)Marshal.UnsafeAddrOfPinnedArrayElement(_pieces, 0);
        message->msg_iovlen = _count;
        return message;
    }
}
