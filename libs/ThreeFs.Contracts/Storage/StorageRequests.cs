using ThreeFs.Base;

namespace ThreeFs.Contracts.Storage;

/// <summary>Asks a replica for the end of a file: its largest chunk with an index in [First, Last], committed or
/// pending.</summary>
public readonly record struct QueryLastRequest(VersionedChain Chain, InodeId Inode, ulong FirstIndex, ulong LastIndex);

/// <summary>
/// Asks the head to remove the chunks of a file with an index in [First, Last], highest first, at most
/// <paramref name="MaxCount"/>. Every chunk is an update of its own: the i-th has the tag's sequence + i, so the
/// caller's next sequence on the channel is behind sequence + MaxCount + 1.
/// </summary>
/// <param name="Under">
/// 0, or the truncation that this belongs to: refused with <see cref="StatusCode.CutOvertaken"/> once the head has seen a
/// later one of the file.
/// </param>
/// <param name="LastLength">
/// Not 0: before anything is removed, the chunk before <paramref name="FirstIndex"/> is cut or extended to this
/// length, with the tag's sequence + MaxCount.
/// </param>
/// <param name="ChunkSize">With a last length: largest length of the chunk, from the file's layout.</param>
public readonly record struct RemoveChunksRequest(
    VersionedChain Chain, InodeId Inode, ulong FirstIndex, ulong LastIndex, UpdateTag Tag, uint MaxCount,
    TruncateVersion Under = default, uint LastLength = 0, uint ChunkSize = 0);

/// <param name="Removed">Chunks removed by this call.</param>
/// <param name="More">The range holds further chunks: call again.</param>
public readonly record struct RemoveChunksResult(StatusCode Code, uint Removed, bool More);

/// <summary>Asks a replica, of whatever state, for what it holds: chunks behind <paramref name="After"/> in byte order
/// of their ids.</summary>
/// <param name="After">Null: from the beginning.</param>
/// <param name="Limit">1…<see cref="StorageRequestCodec.MaxListedChunks"/>.</param>
/// <param name="Resync">The version of the chain in which the predecessor compares; 0: somebody only looks.</param>
public readonly record struct ListChunksRequest(TargetId Target, ChunkId? After, uint Limit, ChainVersion Resync = default);

/// <summary>Asks a replica, of whatever state, what it holds of a chunk; <see cref="StatusCode.ChunkNotFound"/> when
/// nothing.</summary>
public readonly record struct QueryChunkRequest(TargetId Target, ChunkId Chunk);

/// <summary>Makes a target on a disk of the node. The same target again is Ok; one of another chain is
/// <see cref="StatusCode.TargetExists"/>. </summary>
public readonly record struct CreateTargetRequest(TargetId Target, ChainId Chain, int DiskIndex);

/// <summary>Asks a node for what it holds: targets with an id behind <paramref name="After"/>, in order.</summary>
public readonly record struct ListTargetsRequest(TargetId After);

/// <summary>
/// Asks a Serving target to stop serving, so that mgmtd takes it out of service: before it is removed, or moved to the end of its
/// chain. Refused with <see cref="StatusCode.Busy"/> when no other target serves. Doing it again is Ok.
/// </summary>
/// <param name="Chain">As routing shows it; refused with <see cref="StatusCode.ChainVersionMismatch"/> when the target knows another version.</param>
public readonly record struct StepDownRequest(TargetId Target, VersionedChain Chain);

/// <summary>
/// Deletes a target that no chain has, with all its data. Refused with <see cref="StatusCode.InvalidArgument"/> while a chain has it, and with
/// <see cref="StatusCode.Busy"/> while the node does not know routing of this version.
/// </summary>
/// <param name="Routing">A version in which no chain has the target.</param>
public readonly record struct DestroyTargetRequest(TargetId Target, RoutingVersion Routing);

/// <summary>A target as its node sees it.</summary>
/// <param name="Chain">The chain it was made for, whether that has it or not.</param>
/// <param name="Resync">How far it has brought its successor up to date; default when it never did.</param>
public readonly record struct TargetReport(
    TargetId Target, ChainId Chain, int DiskIndex, long Chunks, long UsedBytes, ResyncReport Resync);

/// <summary>How far the newest attempt is that brings a syncing target up to date. An attempt that is interrupted begins anew, and
/// passes quickly over what has been sent.</summary>
/// <param name="Successor">The target that syncs; 0: none ever did.</param>
/// <param name="ComparedChunks">Looked at so far, of <paramref name="TotalChunks"/>, which is an estimate.</param>
/// <param name="SentBytes">Of chunks that were missing or different.</param>
/// <param name="Elapsed">Since the attempt began, to its end if it has one.</param>
public readonly record struct ResyncReport(
    TargetId Successor, bool IsRunning, long ComparedChunks, long TotalChunks, long SentChunks, long SentBytes, TimeSpan Elapsed);

/// <summary>Answer to a flush, one for each chain asked.</summary>
public readonly record struct FlushResult(StatusCode Code, ChainVersion ChainVersion);
