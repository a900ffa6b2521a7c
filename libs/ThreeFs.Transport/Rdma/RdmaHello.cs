using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Transport.Rdma;

/// <summary>
/// What the ends tell each other over TCP before their queue pairs can talk. Little-endian but for the GID, pinned by a
/// golden test:
/// <code>
///  0 magic "3FSR"   4 format version   6 reserved, 0     8 queue pair   12 first packet number
/// 16 GID           32 LID             34 path MTU       35 global      36 receive buffers   38 their size
/// 40 reads taken   41 reserved, 0
/// </code>
/// </summary>
internal struct RdmaHello
{
    public const int Size = 48;
    public const uint Magic = 0x52534633;
    public const ushort Version = 1;

    public uint QueuePair;
    public uint FirstPsn;
    public IbGid Gid;
    public ushort Lid;
    public IbMtu Mtu;
    public bool IsGlobal;
    public int ReceiveBuffers;
    public int BufferSize;
    public int ReadsIn;

    public readonly void Write(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[4..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], QueuePair);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], FirstPsn);
        MemoryMarshal.Write(bytes[16..], Gid);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[32..], Lid);
        bytes[34] = (byte)Mtu;
        bytes[35] = IsGlobal ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[36..], (ushort)ReceiveBuffers);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[38..], (ushort)BufferSize);
        bytes[40] = (byte)ReadsIn;
    }

    /// <summary>Refuses what another program, another version or a broken peer sent.</summary>
    public static Result<RdmaHello> TryRead(ReadOnlySpan<byte> bytes)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic)
            return new Status(StatusCode.ProtocolError, "the peer does not speak this protocol");
        var version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (version != Version)
            return new Status(StatusCode.UnknownFormatVersion, $"the peer speaks version {version} of RDMA set-up, this build {Version}");
        var hello = new RdmaHello
        {
            QueuePair = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
            FirstPsn = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]),
            Gid = MemoryMarshal.Read<IbGid>(bytes[16..]),
            Lid = BinaryPrimitives.ReadUInt16LittleEndian(bytes[32..]),
            Mtu = (IbMtu)bytes[34],
            IsGlobal = bytes[35] == 1,
            ReceiveBuffers = BinaryPrimitives.ReadUInt16LittleEndian(bytes[36..]),
            BufferSize = BinaryPrimitives.ReadUInt16LittleEndian(bytes[38..]),
            ReadsIn = bytes[40],
        };
        var isSane = hello.Mtu is >= IbMtu.B256 and <= IbMtu.B4096 && hello.ReceiveBuffers >= 4 && hello.BufferSize >= 256
            && hello.ReadsIn > 0;
        return isSane ? hello : new Status(StatusCode.ProtocolError, "the peer offers impossible bounds");
    }
}
