using System.Buffers.Binary;

namespace ThreeFs.Kv;

/// <summary>
/// Reads what <see cref="KeyWriter"/> wrote. Keys come from the store, so a short or foreign one is input, not a
/// defect: every read answers false then, and <see cref="Ok"/> stays false, so that a caller may read all fields and
/// check once.
/// </summary>
public ref struct KeyReader
{
    private ReadOnlySpan<byte> _rest;

    public KeyReader(ReadOnlySpan<byte> key, KeyPrefix prefix)
    {
        _rest = key;
        Ok = Take(KeyPrefix.Size, out var head) && BinaryPrimitives.ReadUInt32BigEndian(head) == prefix.Value;
    }

    /// <summary>Whether everything asked for so far was there.</summary>
    public bool Ok { get; private set; } = true;

    /// <summary>Whether the key was read to its end.</summary>
    public readonly bool AtEnd => Ok && _rest.IsEmpty;

    public bool U8(out byte value)
    {
        var ok = Take(1, out var bytes);
        value = ok ? bytes[0] : default;
        return ok;
    }

    public bool U16(out ushort value)
    {
        var ok = Take(2, out var bytes);
        value = ok ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : default;
        return ok;
    }

    public bool U32(out uint value)
    {
        var ok = Take(4, out var bytes);
        value = ok ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : default;
        return ok;
    }

    public bool U64(out ulong value)
    {
        var ok = Take(8, out var bytes);
        value = ok ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : default;
        return ok;
    }

    public bool I64(out long value)
    {
        var ok = U64(out var bits);
        value = ok ? (long)(bits ^ 1UL << 63) : default;
        return ok;
    }

    public bool Guid(out Guid value)
    {
        var ok = Take(16, out var bytes);
        value = ok ? new Guid(bytes, bigEndian: true) : default;
        return ok;
    }

    public bool Stamp(out Versionstamp value)
    {
        var ok = Take(Versionstamp.Size, out var bytes);
        value = ok ? Versionstamp.Read(bytes) : default;
        return ok;
    }

    /// <summary>Everything that is left.</summary>
    public ReadOnlySpan<byte> Raw()
    {
        var rest = Ok ? _rest : default;
        _rest = default;
        return rest;
    }

    public bool Escaped(out byte[] value)
    {
        value = [];
        var bytes = new List<byte>();
        while (U8(out var b))
        {
            if (b != 0)
            {
                bytes.Add(b);
                continue;
            }

            if (!U8(out var marker)) break;
            if (marker == 0xFF)
            {
                bytes.Add(0);
                continue;
            }

            if (marker != 0x01) break;
            value = [.. bytes];
            return true;
        }

        return Ok = false;
    }

    private bool Take(int count, out ReadOnlySpan<byte> bytes)
    {
        if (!Ok || _rest.Length < count)
        {
            bytes = default;
            return Ok = false;
        }

        bytes = _rest[..count];
        _rest = _rest[count..];
        return true;
    }
}
