using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Sim.Nodes;
using ThreeFs.Sim.Workloads;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Checks;

/// <summary>
/// When all is quiet and the garbage is collected: metadata and storage agree. No session and no garbage is left, every inode has a
/// name, and every chunk belongs to a file that exists, lies on the chain that the layout says, and ends where the file ends or before.
/// </summary>
/// <remarks>
/// After power failed everywhere less holds. The store loses its last commits, a target of each chunk what was not flushed, and neither knows
/// of the other. A creation may be undone whose chunks were flushed, and a removal or truncation of chunks may be undone whose record was
/// flushed: chunks may remain without a file or behind a file's end, as space that nobody uses. Names and inodes are of one store, so every
/// inode still has a name; and whatever chunk of a file is there lies where the layout says.
/// </remarks>
internal static class MetadataCheck
{
    /// <summary>Nothing waits to be removed, and nobody has a file open.</summary>
    public static bool IsClean(SimCluster cluster) => !Any(cluster, KeyPrefixes.Garbage) && !Any(cluster, KeyPrefixes.Session);

    /// <summary>What is left of both.</summary>
    public static string Describe(SimCluster cluster) => string.Join(
        ", ", Keys(cluster, KeyPrefixes.Garbage).Concat(Keys(cluster, KeyPrefixes.Session)).Select(k => KvKeys.Describe(k)));

    public static void Run(SimCluster cluster, IReadOnlyDictionary<InodeId, InodeAttr> named, FileRecords records, bool lostPower)
    {
        foreach (var key in Keys(cluster, KeyPrefixes.Inode))
        {
            new KeyReader(key, KeyPrefixes.Inode).U64(out var id);
            if (id >= InodeId.FirstAllocated.Value && !named.ContainsKey(new InodeId(id)))
                throw new SimFailure($"inode {id} has no name and was not removed");
        }

        foreach (var replica in cluster.Replicas)
        {
            foreach (var state in ReplicaCheck.StatesOf(replica))
            {
                if (state.Chunk.Inode == SimCluster.RegisterInode) continue;
                var where = $"chunk {state.Chunk} of {state.Committed.Length} B on target {replica.Target}";
                if (!named.TryGetValue(state.Chunk.Inode, out var attr) || attr.Layout is not { } layout)
                {
                    if (lostPower) continue;
                    throw new SimFailure($"{where} belongs to no file: an orphan:\n{records.Of(state.Chunk.Inode)}");
                }

                var placement = Placement.Resolve(layout, cluster.Picture!).Value;
                if (placement.ChainOf(state.Chunk.Index) != replica.Chain) throw new SimFailure($"{where} lies on the wrong chain {replica.Chain}");
                var end = (long)state.Chunk.Index * layout.ChunkSize + state.Committed.Length;
                if (state.Committed.Length > layout.ChunkSize || (end > attr.Length && !lostPower))
                    throw new SimFailure($"{where} ends at {end}, behind its file's end at {attr.Length}:\n{records.Of(attr.Id)}");
            }
        }
    }

    private static bool Any(SimCluster cluster, KeyPrefix prefix) => Keys(cluster, prefix).Count > 0;

    private static List<byte[]> Keys(SimCluster cluster, KeyPrefix prefix)
    {
        using var transaction = cluster.Kv.BeginReadOnly();
        var keys = new List<byte[]>();
        var page = new KvPage([], more: true, reverse: false);
        for (var begin = prefix.Range.Begin; page.More; begin = page.Continuation)
        {
            page = transaction.GetRangeAsync(begin, prefix.Range.End, 10_000, snapshot: true).Result.Value;
            keys.AddRange(page.Rows.Select(r => r.Key));
        }

        return keys;
    }
}
