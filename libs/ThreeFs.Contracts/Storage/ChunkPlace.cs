using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ThreeFs.Base;

namespace ThreeFs.Contracts.Storage;

/// <summary>
/// Where a part of a chunk lies on the device of a server of this host, for a client that keeps it and reads there without asking again:
/// one entry of the answer to <see cref="StorageMethod.Places"/>. The request is a preamble with the number of <see cref="ReadOp"/>s and
/// those: each with a part's first byte and length (<see cref="PartBytes"/> at most, beginning at a multiple of it), or with length 0 to learn
/// only for how long the replica may be read. Entries come in the order of the request, as many as there is room for; little-endian:
/// <code>
/// 0 code (u16)   2 units (u16)   4 milliseconds (u32)   8 word   16 generation   24 offset in the file   32 length of the chunk (u32)
/// 36 length of the path (u32)   40 version   48 device   56 inode   64 path, UTF-8   then a checksum (u32) for each unit
/// </code>
/// </summary>
/// <remarks>
/// Two things make a place good for a read that ends at some moment: the replica may be read then (<see cref="Valid"/>, counted from before
/// the client asked, and the server's process lives), and the word at <see cref="Word"/> of the memory that the server shares
/// is <see cref="Generation"/> then. So a client looks at both after it has read, and uses what it has read as if the server had answered
/// it at that moment. The server changes the word before it acknowledges an update of the chunk, and when it does not serve it any more.
/// </remarks>
public readonly ref struct ChunkPlace
{
    /// <summary>Bytes of which one entry tells the place: 256 units.</summary>
    public const int PartBytes = 1 << 20;

    public const int UnitBytes = 4096;

    public const int MaxUnits = PartBytes / UnitBytes;

    /// <summary>Entries in one request; their answers fit into a header when paths are shorter than 500 bytes.</summary>
    public const int MaxCount = 32;

    private const int FixedSize = 64;

    /// <summary>
    /// Ok; <see cref="StatusCode.Busy"/>: the replica may be read, the part in the ordinary way only; else what a read would be refused with.
    /// </summary>
    public StatusCode Code { get; init; }

    /// <summary>For so long this replica may be read; whole milliseconds.</summary>
    public TimeSpan Valid { get; init; }

    /// <summary>Offset in the server's shared memory; a multiple of 8.</summary>
    public long Word { get; init; }

    /// <summary>Never 0.</summary>
    public ulong Generation { get; init; }

    /// <summary>Of the part's first byte in the file; a multiple of 4096.</summary>
    public long Offset { get; init; }

    /// <summary>Bytes of the whole chunk.</summary>
    public uint ChunkLength { get; init; }

    public UpdateVersion Version { get; init; }

    /// <summary>st_dev and st_ino of the file.</summary>
    public ulong Device { get; init; }

    /// <inheritdoc cref="Device"/>
    public ulong Inode { get; init; }

    public ReadOnlySpan<byte> Path { get; init; }

    /// <summary>Of the part's units, the chunk's last one as far as the chunk reaches. Empty: there is no place.</summary>
    public ReadOnlySpan<uint> Checksums { get; init; }

    public int Size => FixedSize + Path.Length + Checksums.Length * sizeof(uint);

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> d)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(d, (ushort)Code);
        BinaryPrimitives.WriteUInt16LittleEndian(d[2..], (ushort)Checksums.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], (uint)Valid.TotalMilliseconds);
        BinaryPrimitives.WriteInt64LittleEndian(d[8..], Word);
        BinaryPrimitives.WriteUInt64LittleEndian(d[16..], Generation);
        BinaryPrimitives.WriteInt64LittleEndian(d[24..], Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(d[32..], ChunkLength);
        BinaryPrimitives.WriteUInt32LittleEndian(d[36..], (uint)Path.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(d[40..], Version.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[48..], Device);
        BinaryPrimitives.WriteUInt64LittleEndian(d[56..], Inode);
        Path.CopyTo(d[FixedSize..]);
        MemoryMarshal.AsBytes(Checksums).CopyTo(d[(FixedSize + Path.Length)..]);
    }

    /// <summary>Takes the next entry from what is left of an answer; false at its end, and for what cannot be an entry.</summary>
    /// <param name="checksums">Room for <see cref="MaxUnits"/>; the entry's point there.</param>
    public static bool TryRead(ref ReadOnlySpan<byte> s, Span<uint> checksums, out ChunkPlace place)
    {
        place = default;
        if (s.Length < FixedSize) return false;
        var units = BinaryPrimitives.ReadUInt16LittleEndian(s[2..]);
        var path = BinaryPrimitives.ReadUInt32LittleEndian(s[36..]);
        if (units > MaxUnits || path > ContentLocation.MaxPath || s.Length < FixedSize + path + units * sizeof(uint)) return false;
        var sums = s.Slice(FixedSize + (int)path, units * sizeof(uint));
        MemoryMarshal.Cast<byte, uint>(sums).CopyTo(checksums);
        place = new ChunkPlace
        {
            Code = (StatusCode)BinaryPrimitives.ReadUInt16LittleEndian(s),
            Valid = TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32LittleEndian(s[4..])),
            Word = BinaryPrimitives.ReadInt64LittleEndian(s[8..]),
            Generation = BinaryPrimitives.ReadUInt64LittleEndian(s[16..]),
            Offset = BinaryPrimitives.ReadInt64LittleEndian(s[24..]),
            ChunkLength = BinaryPrimitives.ReadUInt32LittleEndian(s[32..]),
            Version = new UpdateVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[40..])),
            Device = BinaryPrimitives.ReadUInt64LittleEndian(s[48..]),
            Inode = BinaryPrimitives.ReadUInt64LittleEndian(s[56..]),
            Path = s.Slice(FixedSize, (int)path),
            Checksums = checksums[..units],
        };
        s = s[(FixedSize + (int)path + sums.Length)..];
        if (units == 0) return true;
        return place is { Code: StatusCode.Ok, Word: >= 0, Generation: not 0, Offset: >= 0 }
            && place.Word % sizeof(ulong) == 0 && place.Offset % UnitBytes == 0;
    }

    /// <summary>Checks version and length of a request.</summary>
    public static StatusCode ReadPreamble(ReadOnlySpan<byte> s, out int count)
    {
        var code = StorageCodec.ReadPreamble(s, out _, out var wide);
        count = wide;
        if (code != StatusCode.Ok) return code;
        return count is > 0 and <= MaxCount && s.Length == StorageCodec.ReadRequestSize(count) ? StatusCode.Ok : StatusCode.InvalidArgument;
    }
}
