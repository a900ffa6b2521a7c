using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Checks;

/// <summary>
/// What clients saw of chunks, and the judge of it. Every answer carries a version, so the order of updates is known and linearizability
/// is a comparison of versions with time; contents are replayed in that order.
/// </summary>
internal sealed class ChunkHistory
{
    public sealed class Update
    {
        public required ChunkId Chunk;
        public required UpdateKind Kind;
        public required uint Offset;
        public required byte[] Payload;
        public required long Began;
        public long Ended = long.MaxValue;
        public ChainId Chain;
        public ulong Version;
        public uint Crc;
    }

    private sealed record Seen(ChunkId Chunk, ulong Version, uint Crc, long Began, long Ended, string Who)
    {
        public override string ToString() =>
            $"{Who} of {Chunk} version {Version} crc {Crc:x8} from {Began / 1e7:0.0000} to {(Ended == long.MaxValue ? "-" : $"{Ended / 1e7:0.0000}")}";
    }

    private readonly List<Update> _updates = [];
    private readonly List<Seen> _seen = [];
    private readonly Dictionary<ChunkId, ulong> _flushed = [];

    public int Writes => _updates.Count(u => u.Version != 0);

    public int Reads => _seen.Count - Writes;

    public IEnumerable<ChunkId> Chunks => _updates.Select(u => u.Chunk).Distinct();

    public Update Begin(ChunkId chunk, UpdateKind kind, uint offset, byte[] payload, long now)
    {
        var update = new Update { Chunk = chunk, Kind = kind, Offset = offset, Payload = payload, Began = now };
        _updates.Add(update);
        return update;
    }

    public void End(Update update, ChainId chain, UpdateResult result, long now)
    {
        (update.Ended, update.Chain, update.Version, update.Crc) = (now, chain, result.Update.Value, result.Crc);
        _seen.Add(new Seen(update.Chunk, update.Version, result.Crc, update.Began, now, "write"));
    }

    public void Read(ChunkId chunk, ReadResult result, byte[] bytes, long began, long ended, string who)
    {
        if (result.Code == StatusCode.Ok && Crc32C.Compute(bytes) != result.Crc) throw new SimFailure("bytes and checksum differ");
        _seen.Add(new Seen(chunk, result.Update.Value, result.Crc, began, ended, $"read by {who}"));
    }

    /// <summary>The newest acknowledged version of each chunk of a chain, as of now.</summary>
    public Dictionary<ChunkId, ulong> Acknowledged(ChainId chain) => _updates
        .Where(u => u.Version != 0 && u.Chain == chain).GroupBy(u => u.Chunk).ToDictionary(g => g.Key, g => g.Max(u => u.Version));

    public void Flushed(Dictionary<ChunkId, ulong> covered)
    {
        foreach (var (chunk, version) in covered) _flushed[chunk] = Math.Max(_flushed.GetValueOrDefault(chunk), version);
    }

    /// <summary>Throws with an explanation when no order of operations explains what was seen and what is there at the end.</summary>
    /// <param name="final">What is there; null when the end was lost.</param>
    public void Check(Func<ChunkId, (ulong Version, uint Crc)>? final)
    {
        foreach (var chunk in Chunks)
        {
            if (final is null)
            {
                var all = _seen.Where(s => s.Chunk == chunk).OrderBy(s => s.Began).ToList();
                CheckOrder(all);
                CheckContents(all);
                continue;
            }

            var end = final(chunk);
            var seen = _seen.Where(s => s.Chunk == chunk).OrderBy(s => s.Began).ToList();
            seen.Add(new Seen(chunk, end.Version, end.Crc, long.MaxValue, long.MaxValue, "end"));
            CheckOrder(seen);
            CheckContents(seen);
            CheckOnce(chunk, end.Version);
        }
    }

    /// <summary>After a loss of power everywhere: what was flushed is there, and what is there was written.</summary>
    public void CheckAfterPowerLoss(Func<ChunkId, (ulong Version, uint Crc)> final)
    {
        foreach (var chunk in Chunks)
        {
            var (version, crc) = final(chunk);
            if (version < _flushed.GetValueOrDefault(chunk))
                throw new SimFailure($"{chunk}: flushed version {_flushed[chunk]} is lost, {version} is there");
            foreach (var update in _updates.Where(u => u.Chunk == chunk && u.Version == version && version != 0))
                if (update.Crc != crc) throw new SimFailure($"{chunk}: version {version} has another content after the loss of power");
        }
    }

    /// <summary>What began after another thing had ended is not older; a write is newer than everything before it.</summary>
    private static void CheckOrder(List<Seen> seen)
    {
        var byEnd = seen.OrderBy(s => s.Ended).ToList();
        Seen? newest = null;
        var next = 0;
        foreach (var s in seen)
        {
            for (; next < byEnd.Count && byEnd[next].Ended < s.Began; next++)
            {
                if (newest is null || byEnd[next].Version > newest.Version) newest = byEnd[next];
            }

            if (newest is null) continue;
            var isFine = s.Who == "write" ? s.Version > newest.Version : s.Version >= newest.Version;
            if (!isFine) throw new SimFailure($"not linearizable: {s} began after {newest} had ended");
        }
    }

    private static void CheckContents(List<Seen> seen)
    {
        foreach (var version in seen.Where(s => s.Version != 0).GroupBy(s => s.Version))
        {
            if (version.Select(s => s.Crc).Distinct().Count() > 1)
                throw new SimFailure($"version {version.Key} has several contents: {string.Join("; ", version)}");
        }

        foreach (var version in seen.Where(s => s.Who == "write").GroupBy(s => s.Version))
        {
            if (version.Count() > 1) throw new SimFailure($"two writes made version {version.Key}: {string.Join("; ", version)}");
        }
    }

    /// <summary>Acknowledged updates made one version each, the others at most one, and where all are known the contents follow.</summary>
    private void CheckOnce(ChunkId chunk, ulong last)
    {
        var updates = _updates.Where(w => w.Chunk == chunk).ToList();
        var known = updates.Where(w => w.Version != 0).ToDictionary(w => w.Version);
        var open = updates.Count - known.Count;
        if (known.Count > 0 && known.Keys.Max() > last)
            throw new SimFailure($"{chunk}: acknowledged version {known.Keys.Max()} is lost, {last} is there");
        if ((ulong)(known.Count + open) < last) throw new SimFailure($"{chunk}: {updates.Count} updates made {last} versions: one was applied twice");
        var content = Array.Empty<byte>();
        for (var version = 1UL; version <= last && known.TryGetValue(version, out var update); version++)
        {
            content = Apply(content, update);
            if (Crc32C.Compute(content) != update.Crc) throw new SimFailure($"{chunk}: version {version} is not version {version - 1} with its {update.Kind}");
        }
    }

    private static byte[] Apply(byte[] content, Update update)
    {
        var length = update.Kind switch
        {
            UpdateKind.Truncate => (int)update.Offset,
            UpdateKind.Extend => Math.Max(content.Length, (int)update.Offset),
            _ => Math.Max(content.Length, (int)update.Offset + update.Payload.Length),
        };
        var next = new byte[length];
        content.AsSpan(0, Math.Min(length, content.Length)).CopyTo(next);
        update.Payload.CopyTo(next.AsSpan(update.Kind == UpdateKind.Write ? (int)update.Offset : 0));
        return next;
    }
}
