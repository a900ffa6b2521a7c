using ThreeFs.Base;

namespace ThreeFs.Contracts.Storage;

/// <summary>Method numbers of the chunk service on the data plane. Numbers are on the wire and never reused.</summary>
public enum StorageMethod : ushort
{
    Read = 0x0301,
    Write = 0x0302,
    Update = 0x0303,
    QueryLast = 0x0305,
    RemoveChunks = 0x0307,
    ListChunks = 0x0308,
    SyncDone = 0x0309,
    SpaceInfo = 0x030A,
    CreateTarget = 0x030B,
    QueryChunk = 0x030C,
    Flush = 0x030D,
    QueryCommitted = 0x030E,
    ReleaseContent = 0x030F,
    Places = 0x0310,
    ListTargets = 0x0320,
    StepDown = 0x0321,
    DestroyTarget = 0x0322,
}

/// <summary>The chain a request is for, with the version it was planned with: its fencing token.</summary>
public readonly record struct VersionedChain(ChainId Id, ChainVersion Version)
{
    public override string ToString() => $"{Id}@{Version}";
}

/// <summary>Identity of one update through all its retries: exactly-once is decided by it.</summary>
public readonly record struct UpdateTag(ClientId Client, ChannelId Channel, ulong Sequence)
{
    public override string ToString() => $"{Client}/{Channel.Value}/{Sequence}";
}

public enum UpdateKind : byte
{
    /// <summary>Bytes at an offset; the chunk grows when they end behind it, a gap reads as zeros.</summary>
    Write = 1,
    /// <summary>Sets the chunk's length, cutting or extending with zeros.</summary>
    Truncate = 2,
    /// <summary>The chunk ceases to exist.</summary>
    Remove = 3,
    /// <summary>The whole content of a chunk, from a predecessor to a syncing target.</summary>
    Replace = 4,
    /// <summary>Sets the chunk's length if it is shorter, extending with zeros.</summary>
    Extend = 5,
}

[Flags]
public enum ReadFlags : byte
{
    None = 0,
    /// <summary>The newest bytes of the replica, committed or not: cheaper, not linearizable.</summary>
    AllowUncommitted = 1,
    /// <summary>
    /// The reader is on the same host: the answer may tell where the bytes lie (<see cref="ContentLocation"/>) instead of bringing them.
    /// </summary>
    MayLocate = 2,
    /// <summary>
    /// What the replica has committed, also when it does not serve and may have missed what others acknowledged: for who knows which version
    /// it wants. Not linearizable.
    /// </summary>
    OfAnyState = 4,
}

/// <summary>One piece of a batch read.</summary>
/// <param name="Offset">Byte in the chunk.</param>
/// <param name="Length">Bytes wanted; the answer may be shorter when the chunk ends.</param>
public readonly record struct ReadOp(VersionedChain Chain, ChunkId Chunk, uint Offset, uint Length);

/// <summary>Outcome of one piece of a batch read.</summary>
/// <param name="Length">Bytes delivered: what the chunk has of the range. 0 behind its end.</param>
/// <param name="Crc">CRC-32C of the delivered bytes.</param>
/// <param name="ChunkLength">Bytes the chunk has in all.</param>
public readonly record struct ReadResult(
    StatusCode Code, uint Length, uint Crc, uint ChunkLength, UpdateVersion Update, CommitVersion Commit);

/// <summary>An update, from a client to the head or from a replica to its successor.</summary>
/// <param name="Offset">Write: byte in the chunk.</param>
/// <param name="Length">Write, Replace: bytes that travel as payload. Truncate, Extend: the length to have.</param>
/// <param name="ChunkSize">Largest length of the chunk, from the file's layout.</param>
/// <param name="Crc">CRC-32C of the payload, made by the client; on Replace of the whole content.</param>
/// <param name="Version">From a client 0. Between replicas: the version this update makes.</param>
/// <param name="CommittedBase">Replace: the committed version that the content is; otherwise 0.</param>
/// <param name="ForwardEpoch">
/// Between replicas: rises with every new connection of the sender to this successor. A successor refuses an update with a smaller
/// one than it has seen, because that update was overtaken by its own repetition. From a client 0.
/// </param>
public readonly record struct UpdateRequest(
    VersionedChain Chain,
    ChunkId Chunk,
    UpdateKind Kind,
    uint Offset,
    uint Length,
    uint ChunkSize,
    uint Crc,
    UpdateTag Tag,
    UpdateVersion Version,
    CommitVersion CommittedBase,
    ulong ForwardEpoch = 0)
{
    /// <summary>Bytes that follow the header.</summary>
    public int PayloadLength => Kind is UpdateKind.Write or UpdateKind.Replace ? (int)Length : 0;
}

/// <summary>Outcome of an update: the chunk as it is now on the answering replica.</summary>
/// <param name="Crc">CRC-32C of the whole chunk; replicas compare it.</param>
public readonly record struct UpdateResult(
    StatusCode Code, UpdateVersion Update, CommitVersion Commit, uint ChunkLength, uint Crc, ChainVersion ChainVersion);

/// <summary>What a replica holds of a chunk; resync and the checker compare these.</summary>
/// <param name="ChunkVersionOfChain">Chain version at the last commit.</param>
/// <param name="IsPending">An update is written and not committed; <paramref name="Update"/> is its version.</param>
public readonly record struct ChunkMeta(
    ChunkId Chunk,
    UpdateVersion Update,
    CommitVersion Commit,
    ChainVersion ChunkVersionOfChain,
    uint Length,
    uint Crc,
    bool IsPending);

/// <summary>The end of a file as one chain knows it.</summary>
/// <param name="Exists">The chain has a chunk in the range that was asked for.</param>
/// <param name="Index">Of the last such chunk.</param>
/// <param name="Length">Bytes of it.</param>
public readonly record struct LastChunk(StatusCode Code, bool Exists, ulong Index, uint Length)
{
    public static LastChunk None(StatusCode code) => new(code, false, 0, 0);
}

/// <summary>Space of one disk of a storage node, bytes.</summary>
/// <param name="FreeBytes">What chunks can still take.</param>
/// <param name="UsedBytes">By the node's targets on it.</param>
/// <param name="DeviceId">Equal for two disks, also of different nodes of a host, that are one file system: its space is there once.</param>
public readonly record struct DiskSpace(int DiskIndex, long CapacityBytes, long FreeBytes, long UsedBytes, ulong DeviceId);
