using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Cli.Admin;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Cli.Fsck;

/// <summary>
/// Compares the serving replicas of one chain, chunk by chunk: all hold the same chunks, with equal versions, lengths
/// and checksums, nothing pending; and the bytes that each has on disk do have that checksum. On a cluster in use a
/// chunk may be in flight when it is looked at, so a difference is a problem only when it stays.
/// </summary>
internal sealed class ChainChecker(
    StorageAdmin storage, ChainInfo chain, bool readBytes, BufferPool buffers, TimeProvider time)
{
    private const int Looks = 10;
    private const int PieceBytes = 4 << 20;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    private readonly TargetId[] _targets =
        chain.Targets.Where(t => t.State == TargetState.Serving).Select(t => t.Id).ToArray();

    public long Chunks { get; private set; }

    /// <summary>Of one replica.</summary>
    public long Bytes { get; private set; }

    public List<string> Problems { get; } = [];

    /// <summary>Replicas that are left out because they do not serve and should.</summary>
    public IEnumerable<string> NotChecked => chain.Targets
        .Where(t => t.State != TargetState.Serving && !chain.IsLeaving(t.Id))
        .Select(t => $"chain {chain.Id}: target {t.Id} does not serve ({Names.Of(t.State)}) and was not checked");

    /// <summary>Fails when a replica could not be asked; what was found so far says nothing then.</summary>
    public async Task<Status> RunAsync(CancellationToken ct)
    {
        var replicas = _targets.Select(t => new ChunkStream(storage, t)).ToArray();
        while (true)
        {
            ChunkId? next = null;
            foreach (var replica in replicas)
            {
                var head = await replica.PeekAsync(ct);
                if (!head.TryGet(out var meta)) return head.Status;
                if (meta is { } m && (next is not { } n || m.Chunk.CompareTo(n) < 0)) next = m.Chunk;
            }

            if (next is not { } chunk) return Status.Ok;
            var metas = replicas.Select(r => r.Take(chunk)).ToArray();
            var checkedIt = await CheckAsync(chunk, metas, ct);
            if (!checkedIt.IsOk) return checkedIt;
        }
    }

    private async Task<Status> CheckAsync(ChunkId chunk, ChunkMeta?[] metas, CancellationToken ct)
    {
        string? problem = null;
        for (var look = 0; look < Looks; look++)
        {
            if (look > 0)
            {
                await Task.Delay(_pause, time, ct);
                var again = await LookAgainAsync(chunk, ct);
                if (!again.TryGet(out metas!)) return again.Status;
            }

            if (metas.All(m => m is null)) return Status.Ok;
            problem = Difference(metas);
            if (problem is null)
            {
                var read = await DamageAsync(chunk, metas[0]!.Value, ct);
                if (!read.TryGet(out problem)) return read.Status;
            }

            if (problem is not null) continue;
            Chunks++;
            Bytes += metas[0]!.Value.Length;
            return Status.Ok;
        }

        Problems.Add($"chain {chain.Id}, chunk {chunk}: {problem}");
        return Status.Ok;
    }

    private async Task<Result<ChunkMeta?[]>> LookAgainAsync(ChunkId chunk, CancellationToken ct)
    {
        var metas = new ChunkMeta?[_targets.Length];
        for (var i = 0; i < metas.Length; i++)
        {
            var result = await storage.QueryChunkAsync(_targets[i], chunk, ct);
            if (result.IsOk) metas[i] = result.Value;
            else if (result.Code != StatusCode.ChunkNotFound) return CannotAsk(_targets[i], result.Status);
        }

        return metas;
    }

    private string? Difference(ChunkMeta?[] metas)
    {
        for (var i = 0; i < metas.Length; i++)
        {
            if (metas[i] is not { } meta) return $"missing on target {_targets[i]}";
            if (meta.IsPending) return $"update {meta.Update} is pending on target {_targets[i]}";
            var first = metas[0]!.Value;
            if (meta.Commit != first.Commit || meta.Length != first.Length || meta.Crc != first.Crc)
            {
                return $"target {_targets[0]} has version {first.Commit}, {first.Length} bytes, "
                    + $"checksum {first.Crc:x8}; "
                    + $"target {_targets[i]} has version {meta.Commit}, {meta.Length} bytes, checksum {meta.Crc:x8}";
            }
        }

        return null;
    }

    /// <summary>
    /// Reads the chunk from every replica's disk; null when each has the checksum that the metadata says.
    /// </summary>
    private async Task<Result<string?>> DamageAsync(ChunkId chunk, ChunkMeta meta, CancellationToken ct)
    {
        if (!readBytes) return (string?)null;
        foreach (var target in _targets)
        {
            var crc = 0u;
            for (uint at = 0; at < meta.Length;)
            {
                var length = (int)Math.Min(PieceBytes, meta.Length - at);
                using var buffer = buffers.TryRent(length)!;
                var piece = buffer.Memory.Slice(0, length);
                var read = await storage.ReadReplicaAsync(target, chunk, at, piece, ct);
                if (LeftService(read.Code)) return CannotAsk(target, read.Code);
                if (read.Code != StatusCode.Ok) return $"target {target} cannot read it at byte {at}: {read.Code}";
                if (read.Length != length) return $"target {target} has only {at + read.Length} of {meta.Length} bytes";
                crc = Crc32C.Append(crc, piece.Span);
                at += read.Length;
            }

            if (crc != meta.Crc) return $"bytes on target {target} have checksum {crc:x8}, not {meta.Crc:x8}";
        }

        return (string?)null;
    }

    /// <summary>Says nothing of the chunk: the server died, or its target has left the chain's service.</summary>
    private static bool LeftService(StatusCode code) =>
        code.IsServerFailure()
        || code is StatusCode.TargetNotServing or StatusCode.TargetNotFound or StatusCode.ChainVersionMismatch;

    private static Status CannotAsk(TargetId target, Status why) =>
        new(why.Code, $"target {target} does not answer: {why.Message ?? why.Code.ToString()}");
}
