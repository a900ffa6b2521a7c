using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Sim.Nodes;
using ThreeFs.Storage.ChunkEngine.Simulation;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Sim.Faults;

/// <summary>Damages what disks keep and fills them.</summary>
/// <remarks>
/// One target of a chain at a time has lost something, and only while all of the chain serve. Until the lost units are written anew, nobody
/// disturbs so many other machines that no whole replica goes on serving: what was written meanwhile, to the damaged replica alone, could
/// not be told to anybody. The damaged target's own machine may have any accident.
/// </remarks>
internal sealed class DiskFaults(SimCluster cluster)
{
    private const int MostUnits = 3;

    /// <summary>Every replica has all that it ever stored.</summary>
    public bool AllWhole => cluster.Replicas.All(r => r.DamagedChunks == 0) && !Damaged().Any();

    /// <summary>Whether these machines may have an accident now.</summary>
    /// <param name="hosts">Null: any, or those that decide who serves.</param>
    /// <param name="disturbed">Machines that have one already.</param>
    public bool Allow(string[]? hosts, IReadOnlyCollection<string> disturbed)
    {
        foreach (var (node, disk) in Damaged())
        {
            if (hosts is null) return false;
            if (hosts.All(h => h == node.Name)) continue;
            var isCovered = Others(disk).Any(o => IsFit(o.Replica) && !hosts.Contains(o.Node.Name) && !disturbed.Contains(o.Node.Name));
            if (!isCovered) return false;
        }

        return true;
    }

    /// <summary>A target of the node loses a few units of what it stores.</summary>
    public void Damage(StorageNode node, Fault fault, SeededRandom random)
    {
        var candidates = node.Replicas?.All.Where(r => IsWhole(r.Chain, except: r.Target)).ToArray() ?? [];
        if (candidates.Length == 0) return;
        var replica = candidates[random.Next(candidates.Length)];
        var units = replica.Store.StoredUnits().Where(u => !u.IsInMemory).ToArray();
        if (units.Length == 0) return;
        var disk = DiskOf(node, replica.Target);
        for (var i = random.Next(1, MostUnits + 1); i > 0; i--)
        {
            var unit = units[random.Next(units.Length)];
            cluster.World.Timeline.Write("faults", $"target {replica.Target} loses a unit of chunk {unit.Chunk}");
            if (fault.Kind == FaultKind.BitRot)
            {
                disk.Device.Corrupt(unit.File, unit.Offset + random.Next(unit.Bytes));
                continue;
            }

            disk.Device.MakeUnreadable(unit.File, unit.Offset);
            if (random.NextBool(0.5)) cluster.World.After(fault.Duration, null, _ => disk.Device.MakeReadable(unit.File, unit.Offset));
        }
    }

    public void Fill(StorageNode node, Fault fault, DiskFill fill)
    {
        foreach (var disk in node.Disks) disk.FillUp(fill);
        cluster.World.After(fault.Duration, null, _ =>
        {
            foreach (var disk in node.Disks.Where(d => d.Fill == fill)) disk.FillUp(DiskFill.Empty);
        });
    }

    /// <summary>Room enough that all replicas can be brought up to date again, and no more.</summary>
    public void LeaveRoomToHeal()
    {
        foreach (var disk in cluster.Storages.SelectMany(s => s.Disks).Where(d => d.Fill == DiskFill.Full)) disk.FillUp(DiskFill.Low);
    }

    public void Free()
    {
        foreach (var disk in cluster.Storages.SelectMany(s => s.Disks)) disk.FillUp(DiskFill.Empty);
    }

    /// <summary>Disks that lack something which their chunks have. Of a machine that is down nobody knows what its chunks have.</summary>
    private IEnumerable<(StorageNode Node, SimDisk Disk)> Damaged() =>
        from node in cluster.Storages
        from disk in node.Disks
        where disk.Device.HasDamage && (ReplicaOf(node, disk) is not { } replica || disk.LostUnits(replica.Store).Any())
        select (node, disk);

    private bool IsWhole(ChainId chain, TargetId except)
    {
        var count = 0;
        foreach (var node in cluster.Storages)
        {
            foreach (var disk in node.Disks.Where(d => d.Identity.Chain == chain))
            {
                count++;
                if (ReplicaOf(node, disk) is not { } replica || !IsFit(replica)) return false;
                if (disk.Identity.Target != except && disk.LostUnits(replica.Store).Any()) return false;
            }
        }

        return count > 1;
    }

    private IEnumerable<(StorageNode Node, Replica Replica)> Others(SimDisk disk) =>
        from node in cluster.Storages
        from other in node.Disks
        where other != disk && other.Identity.Chain == disk.Identity.Chain
        let replica = ReplicaOf(node, other)
        where replica is not null
        select (node, replica);

    /// <summary>It serves, in the newest picture.</summary>
    private bool IsFit(Replica replica) => replica.Place.State == TargetState.Serving && replica.Standing.Local == LocalTargetState.UpToDate
        && cluster.Picture is { } picture && replica.Place.Chain.Version == picture.Chains[replica.Chain].Version;

    private static SimDisk DiskOf(StorageNode node, TargetId target) => node.Disks.First(d => d.Identity.Target == target);

    private static Replica? ReplicaOf(StorageNode node, SimDisk disk) => node.Replicas?.Find(disk.Identity.Target);
}
