using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Transport.Rdma;

internal enum RdmaMessageKind : byte
{
    Request = 1,
    Response = 2,

    /// <summary>The caller has given the call up and waits to hear that its memory is left alone.</summary>
    Cancel = 3,
}

/// <summary>Memory of the caller, as the server names it to its adapter.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RemoteSlice
{
    public const int Size = 16;

    public ulong Address;
    public uint Length;
    public uint Key;
}

/// <summary>
/// The fixed start of every message; the caller's receive slices, its send slices and the variable header follow it.
/// Little-endian, pinned by a golden test:
/// <code>
///  0 kind    1 flags   2 method          4 header length
///  8 call id          16 status         18 receive slices  20 send slices  22 reserved, 0
/// 24 payload length   28 receive capacity                  32 timeout in ms
/// </code>
/// Payloads are not in messages: the server moves them between its memory and the caller's. The fabric's own checksums
/// cover messages; chunk data has one of its own, end to end.
/// </summary>
internal struct RdmaMessage
{
    public const int Size = 36;

    /// <summary>The header is not the method's but the UTF-8 text of the status's message.</summary>
    public const byte HeaderIsText = 1;

    /// <summary>Longest message: a request with two full lists of slices.</summary>
    public const int MaxLength = Size + 2 * IoSlices.MaxCount * RemoteSlice.Size + TransportLimits.MaxHeader;

    public RdmaMessageKind Kind;
    public byte Flags;
    public ushort Method;
    public int HeaderLength;
    public ulong CallId;
    public StatusCode Status;
    public int ReceiveSlices;
    public int SendSlices;
    public int PayloadLength;
    public int ReceiveCapacity;
    public int TimeoutMilliseconds;

    public readonly int HeaderOffset => Size + (ReceiveSlices + SendSlices) * RemoteSlice.Size;

    public readonly int Length => HeaderOffset + HeaderLength;

    public readonly void Write(Span<byte> message)
    {
        message[0] = (byte)Kind;
        message[1] = Flags;
        BinaryPrimitives.WriteUInt16LittleEndian(message[2..], Method);
        BinaryPrimitives.WriteInt32LittleEndian(message[4..], HeaderLength);
        BinaryPrimitives.WriteUInt64LittleEndian(message[8..], CallId);
        BinaryPrimitives.WriteUInt16LittleEndian(message[16..], (ushort)Status);
        BinaryPrimitives.WriteUInt16LittleEndian(message[18..], (ushort)ReceiveSlices);
        BinaryPrimitives.WriteUInt16LittleEndian(message[20..], (ushort)SendSlices);
        BinaryPrimitives.WriteUInt16LittleEndian(message[22..], 0);
        BinaryPrimitives.WriteInt32LittleEndian(message[24..], PayloadLength);
        BinaryPrimitives.WriteInt32LittleEndian(message[28..], ReceiveCapacity);
        BinaryPrimitives.WriteInt32LittleEndian(message[32..], TimeoutMilliseconds);
    }

    /// <summary>Reads and checks a whole message; a refusal says what is wrong with it.</summary>
    public static Status TryRead(ReadOnlySpan<byte> bytes, out RdmaMessage message)
    {
        message = default;
        if (bytes.Length < Size) return Wrong($"sent a message of {bytes.Length} bytes");
        message = new RdmaMessage
        {
            Kind = (RdmaMessageKind)bytes[0],
            Flags = bytes[1],
            Method = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]),
            HeaderLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]),
            CallId = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            Status = (StatusCode)BinaryPrimitives.ReadUInt16LittleEndian(bytes[16..]),
            ReceiveSlices = BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]),
            SendSlices = BinaryPrimitives.ReadUInt16LittleEndian(bytes[20..]),
            PayloadLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]),
            ReceiveCapacity = BinaryPrimitives.ReadInt32LittleEndian(bytes[28..]),
            TimeoutMilliseconds = BinaryPrimitives.ReadInt32LittleEndian(bytes[32..]),
        };
        return message.Check(bytes.Length);
    }

    private readonly Status Check(int length)
    {
        if (Kind is < RdmaMessageKind.Request or > RdmaMessageKind.Cancel) return Wrong($"sent a message of kind {(byte)Kind}");
        if ((Flags & ~HeaderIsText) != 0) return Wrong($"sent unknown flags 0x{Flags:x}");
        if (HeaderLength is < 0 or > TransportLimits.MaxHeader) return Wrong($"announced a header of {HeaderLength} bytes");
        if (ReceiveSlices > IoSlices.MaxCount || SendSlices > IoSlices.MaxCount) return Wrong("announced too many slices");
        if (PayloadLength is < 0 or > TransportLimits.MaxPayload) return Wrong($"announced a payload of {PayloadLength} bytes");
        if (ReceiveCapacity is < 0 or > TransportLimits.MaxPayload) return Wrong($"asked for up to {ReceiveCapacity} bytes");
        if (TimeoutMilliseconds < 0) return Wrong("sent a negative timeout");
        return length == Length ? Base.Status.Ok : Wrong($"sent a message of {length} bytes that says {Length}");
    }

    /// <summary>
    /// Reads a list of slices that together must hold exactly <paramref name="total"/> bytes.
    /// </summary>
    public static Status ReadSlices(ReadOnlySpan<byte> bytes, Span<RemoteSlice> slices, int total)
    {
        var sum = 0L;
        for (var i = 0; i < slices.Length; i++)
        {
            slices[i] = MemoryMarshal.Read<RemoteSlice>(bytes[(i * RemoteSlice.Size)..]);
            sum += slices[i].Length;
        }

        return sum == total ? Base.Status.Ok : Wrong($"named memory of {sum} bytes for {total}");
    }

    private static Status Wrong(string what) => new(StatusCode.ProtocolError, $"the peer {what}");
}
