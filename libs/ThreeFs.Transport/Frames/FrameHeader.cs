using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Transport.Frames;

internal enum FrameKind : byte
{
    Request = 1,
    Response = 2,
}

/// <summary>
/// The fixed start of every frame; the variable header and then the payload follow it. Little-endian, pinned by a
/// golden test:
/// <code>
///  0 magic "3FSF"        4 format version   5 kind   6 method
///  8 call id            16 status          18 flags
/// 20 header length      24 payload length  28 receive capacity  32 timeout in ms
/// 36 reserved, 0        40 CRC-32C of the header               44 CRC-32C of bytes 0…43
/// </code>
/// Lengths are checked against <see cref="TransportLimits"/> before anything is received for them, so a peer cannot
/// make memory grow. The payload carries no checksum here: chunk data has one of its own, end to end.
/// </summary>
internal struct FrameHeader
{
    public const int Size = 48;
    public const uint Magic = 0x46534633;
    public const byte Version = 1;

    /// <summary>The header is not the method's but the UTF-8 text of the status's message.</summary>
    public const ushort HeaderIsMessage = 1;

    private const ushort KnownFlags = HeaderIsMessage;

    public FrameKind Kind;
    public ushort Method;
    public ulong CallId;
    public StatusCode Status;
    public ushort Flags;
    public int HeaderLength;
    public int PayloadLength;
    public int ReceiveCapacity;
    public int TimeoutMilliseconds;
    public uint HeaderCrc;

    /// <summary>Writes the 48 bytes in front of a header that is already in its place behind them.</summary>
    public void WriteBefore(Span<byte> frame)
    {
        HeaderCrc = Crc32C.Compute(frame.Slice(Size, HeaderLength));
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Magic);
        frame[4] = Version;
        frame[5] = (byte)Kind;
        BinaryPrimitives.WriteUInt16LittleEndian(frame[6..], Method);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[8..], CallId);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[16..], (ushort)Status);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[18..], Flags);
        BinaryPrimitives.WriteInt32LittleEndian(frame[20..], HeaderLength);
        BinaryPrimitives.WriteInt32LittleEndian(frame[24..], PayloadLength);
        BinaryPrimitives.WriteInt32LittleEndian(frame[28..], ReceiveCapacity);
        BinaryPrimitives.WriteInt32LittleEndian(frame[32..], TimeoutMilliseconds);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[36..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[40..], HeaderCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[44..], Crc32C.Compute(frame[..44]));
    }

    /// <summary>Reads and checks the 48 bytes; a refusal says what is wrong with them.</summary>
    public static Status TryRead(ReadOnlySpan<byte> bytes, FrameKind expected, out FrameHeader header)
    {
        header = default;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic) return Wrong("does not speak this protocol");
        if (bytes[4] != Version)
            return new Status(StatusCode.UnknownFormatVersion, $"the peer speaks frame version {bytes[4]}, this build {Version}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[44..]) != Crc32C.Compute(bytes[..44]))
            return Wrong("sent a damaged frame header");
        header = new FrameHeader
        {
            Kind = (FrameKind)bytes[5],
            Method = BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]),
            CallId = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            Status = (StatusCode)BinaryPrimitives.ReadUInt16LittleEndian(bytes[16..]),
            Flags = BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]),
            HeaderLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]),
            PayloadLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]),
            ReceiveCapacity = BinaryPrimitives.ReadInt32LittleEndian(bytes[28..]),
            TimeoutMilliseconds = BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]),
            HeaderCrc = BinaryPrimitives.ReadUInt32LittleEndian(bytes[40..]),
        };
        return header.Check(expected);
    }

    /// <summary>Checks the variable header against the checksum that announced it.</summary>
    public readonly Status CheckHeader(ReadOnlySpan<byte> bytes) =>
        Crc32C.Compute(bytes) == HeaderCrc ? Base.Status.Ok : Wrong("sent a damaged header");

    private readonly Status Check(FrameKind expected)
    {
        if (Kind != expected) return Wrong($"sent a frame of kind {(byte)Kind} where {expected} is expected");
        if ((Flags & ~KnownFlags) != 0) return Wrong($"sent unknown flags 0x{Flags:x}");
        if (HeaderLength is < 0 or > TransportLimits.MaxHeader) return Wrong($"announced a header of {HeaderLength} bytes");
        if (PayloadLength is < 0 or > TransportLimits.MaxPayload) return Wrong($"announced a payload of {PayloadLength} bytes");
        if (ReceiveCapacity is < 0 or > TransportLimits.MaxPayload) return Wrong($"asked for up to {ReceiveCapacity} bytes");
        return TimeoutMilliseconds >= 0 ? Base.Status.Ok : Wrong("sent a negative timeout");
    }

    private static Status Wrong(string what) => new(StatusCode.ProtocolError, $"the peer {what}");
}
