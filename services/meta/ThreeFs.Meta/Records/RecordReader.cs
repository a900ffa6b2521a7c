using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Meta.Records;

/// <summary>
/// Reads what <see cref="RecordWriter"/> wrote. Stored bytes are input: a short record reads as zeros and ends as
/// <see cref="StatusCode.Corruption"/>, a newer version as <see cref="StatusCode.UnknownFormatVersion"/>; ask
/// <see cref="End"/> once, after the last field.
/// </summary>
internal ref struct RecordReader
{
    private readonly byte _known;
    private readonly byte _version;
    private ReadOnlySpan<byte> _rest;
    private bool _short;

    public RecordReader(ReadOnlySpan<byte> bytes, byte knownVersion)
    {
        _rest = bytes;
        _known = knownVersion;
        _version = U8();
    }

    /// <summary>The version that the record was written as; fields of later ones are not there.</summary>
    public readonly byte Version => _version;

    public byte U8() => Take(1, out var b) ? b[0] : (byte)0;
    public ushort U16() => Take(2, out var b) ? BinaryPrimitives.ReadUInt16LittleEndian(b) : (ushort)0;
    public uint U32() => Take(4, out var b) ? BinaryPrimitives.ReadUInt32LittleEndian(b) : 0;
    public ulong U64() => Take(8, out var b) ? BinaryPrimitives.ReadUInt64LittleEndian(b) : 0;
    public long I64() => Take(8, out var b) ? BinaryPrimitives.ReadInt64LittleEndian(b) : 0;
    public Guid Guid() => Take(16, out var b) ? new Guid(b) : default;
    public byte[] Bytes() => Take(U16(), out var b) ? b.ToArray() : [];

    /// <summary>Whether everything read was there, of a version this build knows, with nothing left over.</summary>
    public readonly Status End(string kind, ulong id)
    {
        if (_version > _known)
        {
            return new Status(StatusCode.UnknownFormatVersion,
                $"the {kind} record of inode 0x{id:x} has version {_version}; this build knows up to {_known}: upgrade this server");
        }

        return _short || _version == 0 || !_rest.IsEmpty
            ? new Status(StatusCode.Corruption, $"the {kind} record of inode 0x{id:x} cannot be read")
            : Status.Ok;
    }

    private bool Take(int count, out ReadOnlySpan<byte> bytes)
    {
        if (_rest.Length < count)
        {
            _short = true;
            _rest = default;
            bytes = default;
            return false;
        }

        bytes = _rest[..count];
        _rest = _rest[count..];
        return true;
    }
}
