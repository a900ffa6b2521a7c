using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Records;

/// <summary>
/// One update that is not folded: the chunk's state after it, the checksums of the units it touched, and the content of the
/// units that did not go to the block. Layout, little-endian: a header of <see cref="HeaderSize"/> bytes, then the checksums, then
/// the inline bytes, which end with the chunk.
/// </summary>
internal static class LogRecord
{
    public const byte Version = 1;
    public const int HeaderSize = 104;

    private const byte BlockChangedFlag = 1;
    private const byte RemoveFlag = 2;

    public static int SizeOf(ChunkDelta delta) => HeaderSize + delta.CrcCount * sizeof(uint) + delta.RedoBytes;

    public static void Write(Span<byte> d, ChunkDelta delta)
    {
        d[..HeaderSize].Clear();
        d[0] = Version;
        d[1] = (byte)((delta.BlockChanged ? BlockChangedFlag : 0) | (delta.IsRemove ? RemoveFlag : 0));
        var state = delta.State;
        BinaryPrimitives.WriteUInt16LittleEndian(d[2..], state.Tag.Channel.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], state.ChainVersion.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[8..], delta.Position.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[16..], state.Version.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[24..], state.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(d[28..], state.Crc);
        state.Tag.Client.Value.TryWriteBytes(d[32..]);
        BinaryPrimitives.WriteUInt64LittleEndian(d[48..], state.Tag.Sequence);
        BinaryPrimitives.WriteInt32LittleEndian(d[56..], delta.CrcStart);
        BinaryPrimitives.WriteInt32LittleEndian(d[60..], delta.CrcCount);
        BinaryPrimitives.WriteInt32LittleEndian(d[64..], delta.RedoStart);
        BinaryPrimitives.WriteInt32LittleEndian(d[68..], delta.RedoCount);
        BinaryPrimitives.WriteInt32LittleEndian(d[72..], delta.DirectStart);
        BinaryPrimitives.WriteInt32LittleEndian(d[76..], delta.DirectCount);
        d = d[HeaderSize..];
        for (var i = 0; i < delta.CrcCount; i++) BinaryPrimitives.WriteUInt32LittleEndian(d[(i * 4)..], delta.Crcs![i]);
        if (delta.RedoBytes > 0) delta.Redo!.Memory.Span[..delta.RedoBytes].CopyTo(d[(delta.CrcCount * 4)..]);
    }

    /// <summary>Fills <paramref name="delta"/> but for the redo content, which is handed out for the caller to copy.</summary>
    public static Status Read(ReadOnlySpan<byte> key, ReadOnlySpan<byte> s, ChunkDelta delta, UnitArrays arrays, out ReadOnlySpan<byte> redo)
    {
        redo = default;
        if (s.IsEmpty) return RecordErrors.Malformed("update", key, "it is empty");
        if (s[0] != Version) return RecordErrors.UnknownVersion("update", s[0], Version);
        if (s.Length < HeaderSize || key.Length != Keys.MaxSize) return RecordErrors.Malformed("update", key, "its size is wrong");
        delta.Sequence = Keys.SequenceOf(key);
        delta.BlockChanged = (s[1] & BlockChangedFlag) != 0;
        delta.Position = new BlockPosition(BinaryPrimitives.ReadUInt64LittleEndian(s[8..]));
        delta.State = new ContentState(
            new UpdateVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[16..])),
            new ChainVersion(BinaryPrimitives.ReadUInt32LittleEndian(s[4..])),
            BinaryPrimitives.ReadUInt32LittleEndian(s[24..]),
            BinaryPrimitives.ReadUInt32LittleEndian(s[28..]),
            new UpdateTag(
                new ClientId(new Guid(s[32..48])),
                new ChannelId(BinaryPrimitives.ReadUInt16LittleEndian(s[2..])),
                BinaryPrimitives.ReadUInt64LittleEndian(s[48..])),
            (s[1] & RemoveFlag) != 0);
        delta.CrcStart = BinaryPrimitives.ReadInt32LittleEndian(s[56..]);
        delta.CrcCount = BinaryPrimitives.ReadInt32LittleEndian(s[60..]);
        delta.RedoStart = BinaryPrimitives.ReadInt32LittleEndian(s[64..]);
        delta.RedoCount = BinaryPrimitives.ReadInt32LittleEndian(s[68..]);
        delta.DirectStart = BinaryPrimitives.ReadInt32LittleEndian(s[72..]);
        delta.DirectCount = BinaryPrimitives.ReadInt32LittleEndian(s[76..]);
        if (!IsSane(delta) || s.Length != SizeOf(delta)) return RecordErrors.Malformed("update", key, "its ranges make no sense");
        s = s[HeaderSize..];
        if (delta.BlockChanged) delta.Crcs = arrays.RentChecksums(Units.Count((uint)delta.Position.Class.Bytes));
        else if (delta.CrcCount > 0) delta.Crcs = arrays.RentChecksums(delta.CrcCount);
        if (delta.CrcCount > 0)
        {
            MemoryMarshal.Cast<byte, uint>(s[..(delta.CrcCount * 4)]).CopyTo(delta.Crcs!);
        }

        redo = s[(delta.CrcCount * 4)..];
        return Status.Ok;
    }

    private static bool IsSane(ChunkDelta d)
    {
        if (d.State.Version.Value == 0) return false;
        if (d.IsRemove) return d.CrcCount == 0 && d.RedoCount == 0 && d.DirectCount == 0 && !d.BlockChanged;
        if (!d.Position.IsValid || d.State.Length > d.Position.Class.Bytes) return false;
        var units = Units.Count(d.State.Length);
        return IsRange(d.CrcStart, d.CrcCount, units) && IsRange(d.RedoStart, d.RedoCount, units)
            && IsRange(d.DirectStart, d.DirectCount, units);
    }

    private static bool IsRange(int start, int count, int units) => start >= 0 && count >= 0 && (long)start + count <= units;
}
