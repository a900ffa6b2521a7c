using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Tests.Simulation;

/// <summary>
/// What clients saw, and the judge of it. Every answer carries a version, so the order of updates is known and linearizability is a
/// comparison of versions with real time; contents are replayed in that order.
/// </summary>
internal sealed class History
{
    public sealed class Write
    {
        public required ChunkId Chunk;
        public required uint Offset;
        public required byte[] Payload;
        public required double Began;
        public double Ended = double.PositiveInfinity;
        public ulong Version;
        public uint Crc;
    }

    private sealed record Seen(ChunkId Chunk, ulong Version, uint Crc, uint Length, double Began, double Ended, string Who);

    private readonly List<Write> _writes = [];
    private readonly List<Seen> _seen = [];

    public int Acknowledged => _writes.Count(w => w.Version != 0);

    public int Reads => _seen.Count - Acknowledged;

    public Write Begin(ChunkId chunk, uint offset, byte[] payload, double now)
    {
        var write = new Write { Chunk = chunk, Offset = offset, Payload = payload, Began = now };
        _writes.Add(write);
        return write;
    }

    public void End(Write write, UpdateResult result, double now)
    {
        (write.Ended, write.Version, write.Crc) = (now, result.Update.Value, result.Crc);
        _seen.Add(new Seen(write.Chunk, write.Version, result.Crc, result.ChunkLength, write.Began, now, "write"));
    }

    public void Read(ChunkId chunk, ReadResult result, byte[] bytes, double began, double ended, NodeId node)
    {
        if (Crc32C.Compute(bytes) != result.Crc && result.Code == StatusCode.Ok) throw new InvalidOperationException("bytes and checksum differ");
        _seen.Add(new Seen(chunk, result.Update.Value, result.Crc, result.Length, began, ended, $"read at {node}"));
    }

    /// <summary>Throws with an explanation when no order of operations explains what was seen.</summary>
    public void Check(Func<ChunkId, (ulong Version, uint Crc)> final)
    {
        foreach (var chunk in _writes.Select(w => w.Chunk).Distinct())
        {
            var end = final(chunk);
            var seen = _seen.Where(s => s.Chunk == chunk).OrderBy(s => s.Began).ToList();
            seen.Add(new Seen(chunk, end.Version, end.Crc, 0, double.PositiveInfinity, double.PositiveInfinity, "end"));
            CheckOrder(seen);
            CheckContents(seen);
            CheckOnce(chunk, end.Version);
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
            if (!isFine) throw new InvalidOperationException($"{s} began after {newest} had ended");
        }
    }

    private static void CheckContents(List<Seen> seen)
    {
        foreach (var version in seen.Where(s => s.Version != 0).GroupBy(s => s.Version))
        {
            if (version.Select(s => s.Crc).Distinct().Count() > 1)
                throw new InvalidOperationException($"version {version.Key} has several contents: {string.Join("; ", version)}");
        }

        foreach (var version in seen.Where(s => s.Who == "write").GroupBy(s => s.Version))
        {
            if (version.Count() > 1) throw new InvalidOperationException($"two writes made version {version.Key}: {string.Join("; ", version)}");
        }
    }

    /// <summary>Acknowledged writes made one version each, the others at most one, and where all are known the contents follow.</summary>
    private void CheckOnce(ChunkId chunk, ulong last)
    {
        var writes = _writes.Where(w => w.Chunk == chunk).ToList();
        var known = writes.Where(w => w.Version != 0).ToDictionary(w => w.Version);
        var open = writes.Count - known.Count;
        if (known.Count > 0 && known.Keys.Max() > last) throw new InvalidOperationException($"{chunk}: acknowledged version {known.Keys.Max()} is lost, {last} is there");
        if ((ulong)(known.Count + open) < last) throw new InvalidOperationException($"{chunk}: {writes.Count} writes made {last} versions");
        var content = Array.Empty<byte>();
        for (var version = 1UL; version <= last && known.TryGetValue(version, out var write); version++)
        {
            var next = new byte[Math.Max(content.Length, write.Offset + write.Payload.Length)];
            content.CopyTo(next, 0);
            write.Payload.CopyTo(next, write.Offset);
            content = next;
            if (Crc32C.Compute(content) != write.Crc) throw new InvalidOperationException($"{chunk}: version {version} is not version {version - 1} with its write");
        }
    }
}
