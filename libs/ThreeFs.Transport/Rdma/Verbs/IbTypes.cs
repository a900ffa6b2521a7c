using System.Runtime.InteropServices;

namespace ThreeFs.Transport.Rdma.Verbs;

// The structures of <infiniband/verbs.h> as far as they are used, 64-bit. Offsets are the ABI of libibverbs 1.x, the
// same in rdma-core 44 and 56; `./test rdma` compares them with the compiler's.

[StructLayout(LayoutKind.Explicit, Size = 328)]
internal unsafe struct IbContext
{
    [FieldOffset(0)] public nint Device;
    [FieldOffset(96)] public delegate* unmanaged<IbCq*, int, IbWc*, int> PollCq;
    [FieldOffset(104)] public delegate* unmanaged<IbCq*, int, int> RequestNotify;
    [FieldOffset(208)] public delegate* unmanaged<IbQp*, IbSendWr*, IbSendWr**, int> PostSend;
    [FieldOffset(216)] public delegate* unmanaged<IbQp*, IbRecvWr*, IbRecvWr**, int> PostReceive;
    [FieldOffset(264)] public int CommandFd;
    [FieldOffset(268)] public int AsyncFd;
    [FieldOffset(272)] public int CompletionVectors;
}

[StructLayout(LayoutKind.Explicit, Size = 16)]
internal unsafe struct IbPd
{
    [FieldOffset(0)] public IbContext* Context;
    [FieldOffset(8)] public uint Handle;
}

[StructLayout(LayoutKind.Explicit, Size = 48)]
internal struct IbMr
{
    [FieldOffset(16)] public nint Address;
    [FieldOffset(24)] public nuint Length;
    [FieldOffset(36)] public uint LocalKey;
    [FieldOffset(40)] public uint RemoteKey;
}

[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct IbCompletionChannel
{
    [FieldOffset(8)] public int Fd;
}

[StructLayout(LayoutKind.Explicit, Size = 128)]
internal unsafe struct IbCq
{
    [FieldOffset(0)] public IbContext* Context;
    [FieldOffset(8)] public IbCompletionChannel* Channel;
    [FieldOffset(28)] public int Entries;
}

[StructLayout(LayoutKind.Explicit, Size = 160)]
internal unsafe struct IbQp
{
    [FieldOffset(0)] public IbContext* Context;
    [FieldOffset(16)] public IbPd* Pd;
    [FieldOffset(52)] public uint Number;
    [FieldOffset(56)] public IbQpState State;
}

[StructLayout(LayoutKind.Sequential)]
internal struct IbQpCapabilities
{
    public uint MaxSendWr;
    public uint MaxReceiveWr;
    public uint MaxSendSge;
    public uint MaxReceiveSge;
    public uint MaxInlineData;
}

[StructLayout(LayoutKind.Explicit, Size = 64)]
internal unsafe struct IbQpInitAttributes
{
    [FieldOffset(0)] public nint UserContext;
    [FieldOffset(8)] public IbCq* SendCq;
    [FieldOffset(16)] public IbCq* ReceiveCq;
    [FieldOffset(24)] public nint SharedReceiveQueue;
    [FieldOffset(32)] public IbQpCapabilities Capabilities;
    [FieldOffset(52)] public IbQpType Type;
    [FieldOffset(56)] public int SignalAll;
}

/// <summary>An address in the fabric, 16 bytes in network order; on RoCE v2 an IPv6 or mapped IPv4 address.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IbGid : IEquatable<IbGid>
{
    public ulong High;
    public ulong Low;

    public readonly bool Equals(IbGid other) => High == other.High && Low == other.Low;

    public override readonly bool Equals(object? obj) => obj is IbGid other && Equals(other);

    public override readonly int GetHashCode() => HashCode.Combine(High, Low);
}

[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct IbAddressAttributes
{
    [FieldOffset(0)] public IbGid Destination;
    [FieldOffset(16)] public uint FlowLabel;
    [FieldOffset(20)] public byte SourceGidIndex;
    [FieldOffset(21)] public byte HopLimit;
    [FieldOffset(22)] public byte TrafficClass;
    [FieldOffset(24)] public ushort DestinationLid;
    [FieldOffset(26)] public byte ServiceLevel;
    [FieldOffset(27)] public byte SourcePathBits;
    [FieldOffset(28)] public byte StaticRate;
    [FieldOffset(29)] public byte IsGlobal;
    [FieldOffset(30)] public byte Port;
}

[StructLayout(LayoutKind.Explicit, Size = 144)]
internal struct IbQpAttributes
{
    [FieldOffset(0)] public IbQpState State;
    [FieldOffset(8)] public IbMtu PathMtu;
    [FieldOffset(20)] public uint ReceivePsn;
    [FieldOffset(24)] public uint SendPsn;
    [FieldOffset(28)] public uint DestinationQp;
    [FieldOffset(32)] public IbAccess Access;
    [FieldOffset(56)] public IbAddressAttributes Address;
    [FieldOffset(120)] public ushort PartitionKeyIndex;
    [FieldOffset(126)] public byte MaxReadsOut;
    [FieldOffset(127)] public byte MaxReadsIn;
    [FieldOffset(128)] public byte MinRnrTimer;
    [FieldOffset(129)] public byte Port;
    [FieldOffset(130)] public byte Timeout;
    [FieldOffset(131)] public byte RetryCount;
    [FieldOffset(132)] public byte RnrRetry;
}

[StructLayout(LayoutKind.Sequential)]
internal struct IbSge
{
    public ulong Address;
    public uint Length;
    public uint LocalKey;
}

[StructLayout(LayoutKind.Explicit, Size = 128)]
internal unsafe struct IbSendWr
{
    [FieldOffset(0)] public ulong Id;
    [FieldOffset(8)] public IbSendWr* Next;
    [FieldOffset(16)] public IbSge* Pieces;
    [FieldOffset(24)] public int PieceCount;
    [FieldOffset(28)] public IbOpcode Opcode;
    [FieldOffset(32)] public IbSendFlags Flags;
    [FieldOffset(40)] public ulong RemoteAddress;
    [FieldOffset(48)] public uint RemoteKey;
}

[StructLayout(LayoutKind.Explicit, Size = 32)]
internal unsafe struct IbRecvWr
{
    [FieldOffset(0)] public ulong Id;
    [FieldOffset(8)] public IbRecvWr* Next;
    [FieldOffset(16)] public IbSge* Pieces;
    [FieldOffset(24)] public int PieceCount;
}

[StructLayout(LayoutKind.Explicit, Size = 48)]
internal struct IbWc
{
    /// <summary>In <see cref="Opcode"/>: something was received.</summary>
    public const uint ReceiveOpcode = 0x80;

    [FieldOffset(0)] public ulong Id;
    [FieldOffset(8)] public IbWcStatus Status;
    [FieldOffset(12)] public uint Opcode;
    [FieldOffset(16)] public uint VendorError;
    [FieldOffset(20)] public uint Length;
    [FieldOffset(28)] public uint QpNumber;
}

/// <summary>
/// Longer than the library's: the exported query fills an older, shorter form than the header's macro does.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct IbPortAttributes
{
    [FieldOffset(0)] public IbPortState State;
    [FieldOffset(8)] public IbMtu ActiveMtu;
    [FieldOffset(12)] public int GidTableLength;
    [FieldOffset(20)] public uint MaxMessage;
    [FieldOffset(34)] public ushort Lid;
    [FieldOffset(46)] public IbLinkLayer LinkLayer;
}

[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct IbGidEntry
{
    [FieldOffset(0)] public IbGid Gid;
    [FieldOffset(16)] public uint Index;
    [FieldOffset(20)] public uint Port;
    [FieldOffset(24)] public IbGidType Type;
    [FieldOffset(28)] public uint InterfaceIndex;
}

[StructLayout(LayoutKind.Explicit, Size = 232)]
internal struct IbDeviceAttributes
{
    [FieldOffset(112)] public int MaxQpWr;
    [FieldOffset(120)] public int MaxSge;
    [FieldOffset(132)] public int MaxCqEntries;
    [FieldOffset(136)] public int MaxMr;
    [FieldOffset(144)] public int MaxQpReads;
    [FieldOffset(156)] public int MaxQpReadsOut;
    [FieldOffset(227)] public byte Ports;
}

internal enum IbQpState : uint
{
    Reset = 0,
    Init = 1,
    ReadyToReceive = 2,
    ReadyToSend = 3,
    Error = 6,
}

internal enum IbQpType : uint
{
    ReliableConnection = 2,
}

internal enum IbMtu : uint
{
    B256 = 1,
    B512 = 2,
    B1024 = 3,
    B2048 = 4,
    B4096 = 5,
}

internal enum IbPortState : uint
{
    Active = 4,
}

internal enum IbLinkLayer : byte
{
    Unspecified = 0,
    InfiniBand = 1,
    Ethernet = 2,
}

internal enum IbGidType : uint
{
    InfiniBand = 0,
    RoceV1 = 1,
    RoceV2 = 2,
}

internal enum IbOpcode : uint
{
    RdmaWrite = 0,
    Send = 2,
    RdmaRead = 4,
}

[Flags]
internal enum IbSendFlags : uint
{
    Signaled = 2,
}

[Flags]
internal enum IbAccess : uint
{
    LocalWrite = 1,
    RemoteWrite = 2,
    RemoteRead = 4,
}

[Flags]
internal enum IbQpMask : int
{
    State = 0x1,
    Access = 0x8,
    PartitionKeyIndex = 0x10,
    Port = 0x20,
    Address = 0x80,
    PathMtu = 0x100,
    Timeout = 0x200,
    RetryCount = 0x400,
    RnrRetry = 0x800,
    ReceivePsn = 0x1000,
    MaxReadsOut = 0x2000,
    MinRnrTimer = 0x8000,
    SendPsn = 0x10000,
    MaxReadsIn = 0x20000,
    DestinationQp = 0x100000,
}

/// <summary>How a work request ended.</summary>
internal enum IbWcStatus : uint
{
    Success = 0,
    LocalLength = 1,
    LocalQpOperation = 2,
    LocalProtection = 4,
    Flushed = 5,
    RemoteInvalidRequest = 9,
    RemoteAccess = 10,
    RemoteOperation = 11,
    RetryExceeded = 12,
    RnrRetryExceeded = 13,
    RemoteAborted = 16,
    Fatal = 19,
    ResponseTimeout = 20,
    General = 21,
}
