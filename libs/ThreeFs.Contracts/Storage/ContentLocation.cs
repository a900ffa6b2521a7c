using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Contracts.Storage;

/// <summary>
/// Answer to a read with <see cref="ReadFlags.MayLocate"/> that brings no bytes: the result a reader will have (length and checksum) and
/// where to read it, with O_DIRECT. Behind the <see cref="ReadResult"/> on the wire, little-endian:
/// <code>
/// 0 hold   8 offset in the file   16 device   24 inode   32 length of the path (u16)   34 0 (u16)   36 path, UTF-8
/// </code>
/// </summary>
/// <remarks>
/// The server keeps the bytes where they are until the reader releases the hold (<see cref="StorageMethod.ReleaseContent"/>), its
/// connection ends, or <see cref="HoldTime"/> is over, counted from the request's arrival. A reader therefore uses what it has
/// read only when it had it within that time, counted from before it asked, on a connection that still stands, and with the right
/// checksum.
/// </remarks>
public readonly ref struct ContentLocation
{
    /// <summary>Longer than any read that is not in trouble; what is held costs the target space.</summary>
    public static readonly TimeSpan HoldTime = TimeSpan.FromSeconds(1);

    /// <summary>Below this many bytes, bringing them is cheaper.</summary>
    public const int MinLength = 64 << 10;

    /// <summary>Readers and servers know files no longer than this by their path.</summary>
    public const int MaxPath = 4096;

    public const int ReleaseSize = StorageCodec.PreambleSize + 8;

    private const int FixedSize = StorageCodec.ReadResultSize + 36;

    /// <summary>Never 0.</summary>
    public ulong Hold { get; init; }

    /// <summary>A multiple of 4096.</summary>
    public long Offset { get; init; }

    /// <summary>st_dev and st_ino of the file, by which a reader recognises it.</summary>
    public ulong Device { get; init; }

    /// <inheritdoc cref="Device"/>
    public ulong Inode { get; init; }

    /// <summary>As the server knows it.</summary>
    public ReadOnlySpan<byte> Path { get; init; }

    public static int SizeOf(int path) => FixedSize + path;

    /// <summary>Writes both into <see cref="SizeOf"/> bytes.</summary>
    public void Write(Span<byte> d, in ReadResult result)
    {
        StorageCodec.Write(d, result);
        d = d[StorageCodec.ReadResultSize..];
        BinaryPrimitives.WriteUInt64LittleEndian(d, Hold);
        BinaryPrimitives.WriteInt64LittleEndian(d[8..], Offset);
        BinaryPrimitives.WriteUInt64LittleEndian(d[16..], Device);
        BinaryPrimitives.WriteUInt64LittleEndian(d[24..], Inode);
        BinaryPrimitives.WriteUInt32LittleEndian(d[32..], (uint)Path.Length);
        Path.CopyTo(d[36..]);
    }

    /// <summary>False when the answer is an ordinary one (or none that can be understood).</summary>
    public static bool TryRead(ReadOnlySpan<byte> s, out ContentLocation location)
    {
        location = default;
        if (s.Length <= FixedSize) return false;
        s = s[StorageCodec.ReadResultSize..];
        var path = BinaryPrimitives.ReadUInt32LittleEndian(s[32..]);
        if (path > MaxPath || s.Length != 36 + path) return false;
        location = new ContentLocation
        {
            Hold = BinaryPrimitives.ReadUInt64LittleEndian(s),
            Offset = BinaryPrimitives.ReadInt64LittleEndian(s[8..]),
            Device = BinaryPrimitives.ReadUInt64LittleEndian(s[16..]),
            Inode = BinaryPrimitives.ReadUInt64LittleEndian(s[24..]),
            Path = s[36..],
        };
        return location is { Hold: not 0, Offset: >= 0 } && location.Offset % 4096 == 0;
    }

    public static void WriteRelease(Span<byte> d, ulong hold)
    {
        StorageCodec.WritePreamble(d, 0, 0);
        BinaryPrimitives.WriteUInt64LittleEndian(d[StorageCodec.PreambleSize..], hold);
    }

    public static StatusCode ReadRelease(ReadOnlySpan<byte> s, out ulong hold)
    {
        hold = 0;
        var code = StorageCodec.ReadPreamble(s, out _, out _);
        if (code != StatusCode.Ok) return code;
        if (s.Length != ReleaseSize) return StatusCode.InvalidArgument;
        hold = BinaryPrimitives.ReadUInt64LittleEndian(s[StorageCodec.PreambleSize..]);
        return StatusCode.Ok;
    }
}
