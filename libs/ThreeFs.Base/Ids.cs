using System.Buffers.Binary;
using System.Globalization;

namespace ThreeFs.Base;

/// <summary>Identity of an inode; 0 is the root directory, see <see cref="InodeId.Root"/>.</summary>
public readonly record struct InodeId(ulong Value) : IComparable<InodeId>
{
    /// <summary>The root directory of the file system. FUSE's own root number (1) is translated at the mount.</summary>
    public static readonly InodeId Root = new(0);

    /// <summary>The hidden directory that holds inodes waiting for garbage collection.</summary>
    public static readonly InodeId GcRoot = new(1);

    /// <summary>First id that the allocator hands out.</summary>
    public static readonly InodeId FirstAllocated = new(0x1000);

    public int CompareTo(InodeId other) => Value.CompareTo(other.Value);
    public override string ToString() => $"0x{Value:x16}";
}

/// <summary>
/// Identity of a chunk: the file it belongs to and its index in that file. Encoded as 16 bytes, both halves big-endian,
/// so that byte order, struct order and file order agree.
/// </summary>
public readonly record struct ChunkId(InodeId Inode, ulong Index) : IComparable<ChunkId>
{
    /// <summary>Bytes of the encoded form.</summary>
    public const int Size = 16;

    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, Inode.Value);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Index);
    }

    public static ChunkId ReadFrom(ReadOnlySpan<byte> source) => new(
        new InodeId(BinaryPrimitives.ReadUInt64BigEndian(source)),
        BinaryPrimitives.ReadUInt64BigEndian(source[8..]));

    public int CompareTo(ChunkId other)
    {
        var byInode = Inode.CompareTo(other.Inode);
        return byInode != 0 ? byInode : Index.CompareTo(other.Index);
    }

    public override string ToString() => $"{Inode}:{Index}";
}

/// <summary>A process of the cluster: a mgmtd, metadata or storage server. 0 is no node.</summary>
public readonly record struct NodeId(uint Value) : IComparable<NodeId>
{
    public int CompareTo(NodeId other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>One replica of a chain, living on one disk of one storage node. 0 is no target.</summary>
public readonly record struct TargetId(ulong Value) : IComparable<TargetId>
{
    public int CompareTo(TargetId other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>An ordered list of targets that replicate the same chunks. 0 is no chain.</summary>
public readonly record struct ChainId(uint Value) : IComparable<ChainId>
{
    public int CompareTo(ChainId other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A named, versioned list of chains that file layouts refer to.</summary>
public readonly record struct ChainTableId(uint Value) : IComparable<ChainTableId>
{
    public int CompareTo(ChainTableId other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A client process; random, so that two processes never share one.</summary>
public readonly record struct ClientId(Guid Value)
{
    public override string ToString() => Value.ToString("N");
}

/// <summary>One request of a client, kept through all its retries.</summary>
public readonly record struct RequestId(Guid Value)
{
    public override string ToString() => Value.ToString("N");
}

/// <summary>One writable open of a file.</summary>
public readonly record struct SessionId(Guid Value)
{
    public override string ToString() => Value.ToString("N");
}

/// <summary>A client's exclusive lane for updates; 1…65535.</summary>
public readonly record struct ChannelId(ushort Value);
