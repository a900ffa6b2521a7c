namespace ThreeFs.Sim;

/// <summary>
/// Rare branches that a search has to reach, or it proves little. Each is counted where it shows: in what the services tell their observers
/// and logs, in requests as they arrive, in the disks. A run's table has many more; these are asked for by a test.
/// </summary>
internal static class Probes
{
    public static readonly (string Name, string Means)[] Demanded =
    [
        ("forward: Cancelled", "the chain changed while an update was forwarded"),
        ("forward: ChainVersionMismatch", "the successor knew another membership"),
        ("forward: TargetNotServing", "the successor had been fenced or restarted"),
        ("forward: NoSpace", "the successor's disk was full, and the update was taken back"),
        ("log: ForwardGivenUp", "an update was left pending"),
        ("log: CommitsPending", "the last to know them committed pending updates"),
        ("update: repeated", "an update that had been made was asked for again"),
        ("update: repeated after a failover", "the same at another head"),
        ("update: repeated after a restart", "the same at the same head, which had died meanwhile"),
        ("update: to a target that syncs", "a write overtook a resync"),
        ("update: no space", "a disk was full"),
        ("update: before a new lease counts", "a node was heard again and had not heard what became of it"),
        ("read asked the tail: Ok", "a read met a pending update"),
        ("read asked the tail: ChunkNotCommitted", "the tail could not say yet"),
        ("resync: chunk sent", "a target had missed an update"),
        ("resync: chunk removed", "a target had missed a removal"),
        ("log: ResyncFailed", "the chain changed during a resync"),
        ("chain: waits for its last target", "nobody else had every update"),
        ("chain: a target stepped down", "an operator asked for it"),
        ("chain: a target stepped down during a resync", "and another one was syncing"),
        ("disk: crash with operations under way", "between data and index"),
        ("disk: power loss with operations under way", "torn writes"),
        ("disk: a power loss tore an update", "found when the target opened, and dropped"),
        ("disk: power loss undid metadata commits", "those that nobody had asked to be safe"),
        ("disk: read failed", "EIO"),
        ("disk: the scrubber found damage", "before a reader did"),
        ("disk: chunk repaired", "from another replica"),
        ("mutation: repeated and recognised", "a change of metadata was asked for again"),
        ("log: TermBegun", "a cluster manager became primary"),
        ("log: NodeRestarted", "a process came back within its lease"),
    ];

    /// <summary>What was not reached.</summary>
    public static IEnumerable<(string Name, string Means)> Missing(IEnumerable<SimResult> results)
    {
        var reached = results.SelectMany(r => r.Probes.Keys).ToHashSet();
        return Demanded.Where(p => !reached.Contains(p.Name));
    }
}
