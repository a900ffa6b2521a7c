using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Checks;

/// <summary>
/// What clients saw of chunks, and the judge of it. Every answer carries a version, so the order of updates is known and linearizability
/// is a comparison of versions with time; contents are replayed in that order. Of chunks that are removed and made again versions tell less,
/// and an order is searched for (<see cref="ChunkOrder"/>).
/// </summary>
internal sealed class ChunkHistory
{
    private readonly List<ChunkOperation> _operations = [];
    private readonly Dictionary<ChunkId, ChainId> _chains = [];
    private readonly Dictionary<ChainId, long> _flushed = [];

    public int Writes => _operations.Count(o => !o.IsRead && o.IsKnown);

    public int Reads => _operations.Count(o => o.IsRead);

    /// <summary>Histories with more orders than were tried.</summary>
    public int TooManyOrders { get; private set; }

    private IEnumerable<IGrouping<ChunkId, ChunkOperation>> ByChunk =>
        _operations.Where(o => o.IsKnown || !o.IsRead).OrderBy(o => o.Began).GroupBy(o => o.Chunk);

    public ChunkOperation Begin(ChunkOperation operation, ChainId chain)
    {
        _chains[operation.Chunk] = chain;
        _operations.Add(operation);
        return operation;
    }

    public static void End(ChunkOperation update, UpdateResult result, long now) =>
        (update.Ended, update.Version, update.Crc) = (now, result.Update.Value, result.Crc);

    public static void End(ChunkOperation read, ReadResult result, ReadOnlySpan<byte> bytes, long now)
    {
        if (result.Code == StatusCode.Ok && Crc32C.Compute(bytes) != result.Crc) throw new SimFailure("bytes and checksum differ");
        (read.Ended, read.Version, read.Crc) = (now, result.Code == StatusCode.Ok ? result.Update.Value : 0, result.Crc);
    }

    /// <summary>There is such a chunk for certain: it was made before, and nobody removes it.</summary>
    public bool Exists(ChunkId chunk, long at) => _operations.Exists(o => o.Chunk == chunk && !o.IsRead && o.Ended < at)
        && !_operations.Exists(o => o.Chunk == chunk && o.Kind == UpdateKind.Remove);

    /// <summary>A flush that began then was answered: updates answered before it survive.</summary>
    public void Flushed(ChainId chain, long began) => _flushed[chain] = Math.Max(_flushed.GetValueOrDefault(chain), began);

    /// <summary>Throws with an explanation when no order of operations explains what was seen and what is there at the end.</summary>
    /// <param name="final">What is there; null when the end was lost.</param>
    public void Check(Func<ChunkId, (ulong Version, uint Crc)>? final)
    {
        foreach (var chunk in ByChunk)
        {
            var seen = chunk.Where(o => o.IsKnown).ToList();
            if (IsRemoved(chunk))
            {
                Search([.. chunk], o => o.IsKnown, final?.Invoke(chunk.Key));
                continue;
            }

            if (final is not null)
            {
                var (version, crc) = final(chunk.Key);
                seen.Add(new ChunkOperation
                {
                    Chunk = chunk.Key, Who = "the end", Began = long.MaxValue - 1, Ended = long.MaxValue - 1, Version = version, Crc = crc,
                });
            }

            CheckOrder(seen);
            CheckContents(seen);
            if (final is not null) CheckOnce(chunk.Key, [.. chunk.Where(o => !o.IsRead)], seen[^1].Version);
        }
    }

    /// <summary>After a loss of power everywhere: what was flushed is there, and what is there was written.</summary>
    /// <param name="flushesEach">Acknowledgements waited for the flush: what was acknowledged is there.</param>
    public void CheckAfterPowerLoss(Func<ChunkId, (ulong Version, uint Crc)> final, bool flushesEach)
    {
        foreach (var chunk in ByChunk)
        {
            var (version, crc) = final(chunk.Key);
            var flushed = flushesEach ? long.MaxValue : _flushed.GetValueOrDefault(_chains[chunk.Key]);
            if (IsRemoved(chunk))
            {
                Search([.. chunk], o => !o.IsRead && o.Ended < flushed, (version, crc));
                continue;
            }

            var updates = chunk.Where(o => !o.IsRead && o.IsKnown).ToArray();
            var least = updates.Where(o => o.Ended < flushed).Select(o => o.Version).DefaultIfEmpty().Max();
            if (version < least) throw new SimFailure($"{chunk.Key}: flushed version {least} is lost, {version} is there");
            if (Array.Exists(updates, o => o.Version == version && o.Crc != crc))
                throw new SimFailure($"{chunk.Key}: version {version} has another content after the loss of power");
        }
    }

    private static bool IsRemoved(IEnumerable<ChunkOperation> chunk) => chunk.Any(o => o.Kind == UpdateKind.Remove);

    private void Search(ChunkOperation[] operations, Func<ChunkOperation, bool> must, (ulong Version, uint Crc)? final)
    {
        if (!new ChunkOrder(operations, must, final).Check()) TooManyOrders++;
    }

    /// <summary>What began after another thing had ended is not older; a write is newer than everything before it.</summary>
    private static void CheckOrder(List<ChunkOperation> seen)
    {
        var byEnd = seen.OrderBy(s => s.Ended).ToList();
        ChunkOperation? newest = null;
        var next = 0;
        foreach (var s in seen)
        {
            for (; next < byEnd.Count && byEnd[next].Ended < s.Began; next++)
            {
                if (newest is null || byEnd[next].Version > newest.Version) newest = byEnd[next];
            }

            if (newest is null) continue;
            var isFine = s.IsRead ? s.Version >= newest.Version : s.Version > newest.Version;
            if (!isFine) throw new SimFailure($"not linearizable: {s} began after {newest} had ended");
        }
    }

    private static void CheckContents(List<ChunkOperation> seen)
    {
        foreach (var version in seen.Where(s => s.Version != 0).GroupBy(s => s.Version))
        {
            if (version.Select(s => s.Crc).Distinct().Count() > 1)
                throw new SimFailure($"version {version.Key} has several contents: {string.Join("; ", version)}");
        }

        foreach (var version in seen.Where(s => !s.IsRead).GroupBy(s => s.Version))
        {
            if (version.Count() > 1) throw new SimFailure($"two writes made version {version.Key}: {string.Join("; ", version)}");
        }
    }

    /// <summary>Acknowledged updates made one version each, the others at most one, and where all are known the contents follow.</summary>
    private static void CheckOnce(ChunkId chunk, ChunkOperation[] updates, ulong last)
    {
        var known = updates.Where(w => w.IsKnown).ToDictionary(w => w.Version);
        var open = updates.Length - known.Count;
        if (known.Count > 0 && known.Keys.Max() > last)
            throw new SimFailure($"{chunk}: acknowledged version {known.Keys.Max()} is lost, {last} is there");
        if ((ulong)(known.Count + open) < last) throw new SimFailure($"{chunk}: {updates.Length} updates made {last} versions: one was applied twice");
        var content = ChunkContent.None;
        for (var version = 1UL; version <= last && known.TryGetValue(version, out var update); version++)
        {
            content = content.After(update)
                ?? throw new SimFailure($"{chunk}: version {version} is not version {version - 1} with its {update.Kind}");
        }
    }
}
