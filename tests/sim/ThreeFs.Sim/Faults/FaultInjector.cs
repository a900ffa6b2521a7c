using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Sim.Nodes;
using ThreeFs.Sim.Workloads;
using ThreeFs.Sim.World;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Sim.Faults;

/// <summary>Lets faults happen and end.</summary>
/// <remarks>
/// What is acknowledged and not flushed survives the death of processes, and the loss of power while another replica keeps running.
/// So a node loses power only while everything else runs undisturbed, and stays the only one in trouble until its chains go on
/// without it; everywhere at once power is lost only at the end of a run.
/// </remarks>
/// <param name="workload">Starts anew with another client for each that dies; null: clients do not die.</param>
internal sealed class FaultInjector(SimCluster cluster, FileWorkload? workload)
{
    /// <summary>Less than mgmtd allows a node's clock to be off.</summary>
    private static readonly TimeSpan _heardWithin = TimeSpan.FromSeconds(25);

    /// <summary>Disturbances going on: until when, and of which machines.</summary>
    private readonly List<(long End, string[] Hosts)> _open = [];
    private readonly DiskFaults _disks = new(cluster);
    private StorageNode? _powerless;

    public void Schedule(IEnumerable<Fault> faults)
    {
        foreach (var fault in faults) cluster.World.At(fault.At.Ticks, null, _ => Begin(fault), null);
    }

    public DiskFaults Disks => _disks;

    /// <summary>Ends everything that is still going on. Full disks get as much room as it takes to heal; lost bytes stay lost.</summary>
    public void HealAll()
    {
        cluster.World.Timeline.Write("faults", "all heal");
        cluster.Network.HealAll();
        _disks.LeaveRoomToHeal();
        foreach (var disk in cluster.Storages.SelectMany(s => s.Disks)) disk.Extra = TimeSpan.Zero;
        foreach (var node in cluster.Nodes)
        {
            node.Process?.Continue();
            if (node.Process is { } process) process.Time.Skew = TimeSpan.Zero;
            if (!node.IsUp) node.Start();
        }
    }

    private void Begin(Fault fault)
    {
        var node = cluster.Nodes.First(n => n.Name == fault.Host);
        var random = new SeededRandom(fault.Salt);
        var peers = Others(fault.Host);
        var managers = cluster.Mgmtds.Select(m => m.Name).Where(m => m != fault.Host).ToArray();
        var peer = random.NextBool(0.5) ? managers[random.Next(managers.Length)] : peers[random.Next(peers.Length)];
        if (IsDisturbance(fault.Kind))
        {
            if (IsPowerLossOpen()) return;
            _open.RemoveAll(d => d.End <= cluster.World.Now);
            if (!_disks.Allow(HostsOf(fault, node, peer), [.. _open.SelectMany(d => d.Hosts)])) return;
            if (fault.Kind == FaultKind.PowerLoss && node is StorageNode storage)
            {
                if (IsDisturbed() || !OthersHaveAll(storage)) return;
                _powerless = storage;
            }

            var end = cluster.World.Now + fault.Duration.Ticks + TimeSpan.FromSeconds(1).Ticks;
            _open.Add((end, HostsOf(fault, node, peer) ?? []));
        }

        cluster.World.Timeline.Write("faults", fault.ToString());
        cluster.World.Timeline.Probe($"fault: {fault.Kind}");
        switch (fault.Kind)
        {
            case FaultKind.Kill or FaultKind.PowerLoss when node is StorageNode busy && random.NextBool(0.7):
                KillAmid(busy, fault, 1000);
                break;
            case FaultKind.Kill or FaultKind.PowerLoss:
                Kill(node, fault, fault.Kind == FaultKind.PowerLoss);
                break;
            case FaultKind.Stop:
                if (node.Process is { } stopped) Stop(stopped, fault);
                break;
            case FaultKind.Isolate:
                foreach (var other in Others(fault.Host)) Cut(fault, fault.Host, other, bothWays: true);
                break;
            case FaultKind.Partition:
                var sides = Others(fault.Host).Append(fault.Host).ToLookup(_ => random.NextBool(0.5));
                foreach (var here in sides[true])
                    foreach (var there in sides[false]) Cut(fault, here, there, bothWays: true);
                break;
            case FaultKind.CutOneWay:
                if (random.NextBool(0.5)) Cut(fault, fault.Host, peer, bothWays: false);
                else Cut(fault, peer, fault.Host, bothWays: false);
                break;
            case FaultKind.SlowLink:
                foreach (var other in Others(fault.Host)) SlowLink(fault, other, TimeSpan.FromMilliseconds(random.Next(1, 400)));
                break;
            case FaultKind.SlowDisk when node is StorageNode slow:
                SlowDisks(slow, fault, TimeSpan.FromMilliseconds(random.Next(1, 200)));
                break;
            case FaultKind.BitRot or FaultKind.ReadError when node is StorageNode damaged:
                if (!IsDisturbed() && !IsPowerLossOpen()) _disks.Damage(damaged, fault, random);
                break;
            case FaultKind.FullDisk when node is StorageNode full:
                _disks.Fill(full, fault, random.NextBool(0.6) ? DiskFill.Low : DiskFill.Full);
                break;
            case FaultKind.Reset:
                var mine = cluster.Network.Connections.Where(c => c.ClientHost == fault.Host || c.Remote.Host == fault.Host).ToArray();
                var busyOnes = mine.Where(c => c.InFlight > 0).ToArray();
                if (busyOnes.Length > 0 && random.NextBool(0.7)) mine = busyOnes;
                if (mine.Length > 0) mine[random.Next(mine.Length)].Reset("reset by a fault");
                break;
            case FaultKind.ClientDeath when workload is not null:
                var living = cluster.Clients.Skip(1).Where(c => !c.Process.IsDead).ToArray();
                var dying = living[random.Next(living.Length)];
                cluster.World.Timeline.Write(dying.Name, "dies");
                dying.Process.Die();
                workload.Start(cluster.NewClient());
                break;
            case FaultKind.ClockJump when node.Process is { } process:
                Jump(node, process, TimeSpan.FromSeconds(random.Next(-20, 20)));
                break;
            case FaultKind.StepDown when node is StorageNode { IsUp: true, Replicas: { All.Length: > 0 } replicas }:
                var replica = replicas.All[random.Next(replicas.All.Length)];
                replica.Services.Executor.Post(_ => StepDown(replica), null);
                break;
        }
    }

    private void StepDown(Replica replica)
    {
        if (!replica.Place.IsServing || !replica.StepDown(replica.Place.Chain).IsOk) return;
        cluster.World.Timeline.Probe("chain: a target stepped down");
        if (cluster.Replicas.Any(r => r.Chain == replica.Chain && r.Place.State == TargetState.Syncing))
            cluster.World.Timeline.Probe("chain: a target stepped down during a resync");
    }

    /// <summary>A node whose clock is too far off is not heard: that is a disturbance like others, and it lasts.</summary>
    private void Jump(SimNode node, SimProcess process, TimeSpan jump)
    {
        var isManager = node is MgmtdNode;
        var others = cluster.Nodes.Where(n => n is MgmtdNode != isManager && n.Process is not null);
        var skew = process.Time.Skew + jump;
        if (others.Any(n => (n.Process!.Time.Skew - skew).Duration() > _heardWithin))
        {
            string[]? hosts = isManager ? null : [node.Name];
            if (IsPowerLossOpen() || !_disks.Allow(hosts, [.. _open.SelectMany(d => d.Hosts)])) return;
            _open.Add((long.MaxValue, hosts ?? []));
        }

        process.Time.Skew = skew;
    }

    private static bool IsDisturbance(FaultKind kind) => kind is not (FaultKind.Reset or FaultKind.ClockJump or FaultKind.SlowDisk
        or FaultKind.ClientDeath or FaultKind.BitRot or FaultKind.ReadError or FaultKind.FullDisk);

    private bool IsDisturbed() => _open.Exists(d => d.End > cluster.World.Now) || cluster.Nodes.Any(n => !n.IsUp);

    /// <summary>Whom a disturbance concerns; null: everybody.</summary>
    private static string[]? HostsOf(Fault fault, SimNode node, string peer) => fault.Kind switch
    {
        FaultKind.Partition => null,
        FaultKind.CutOneWay => [fault.Host, peer],
        _ => node is MgmtdNode ? null : [fault.Host],
    };

    /// <summary>A chain still counts on a node that lost power.</summary>
    private bool IsPowerLossOpen()
    {
        if (_powerless is not { } node) return false;
        var open = cluster.Picture is not { } picture || node.Disks.Any(d => picture.Chains[d.Identity.Chain].Targets.Any(
            t => t.Id == d.Identity.Target && t.State is TargetState.Serving or TargetState.LastServing) && !IsBack(d.Identity.Target));
        if (!open) _powerless = null;
        return open;
    }

    private bool IsBack(TargetId target) =>
        cluster.Replicas.Any(r => r.Target == target && r.Standing.Local == LocalTargetState.UpToDate);

    private void Kill(SimNode node, Fault fault, bool losesPower)
    {
        if (!node.IsUp) return;
        node.Kill(losesPower);
        cluster.World.After(fault.Duration, null, _ =>
        {
            if (!node.IsUp) node.Start();
        });
    }

    /// <summary>Waits a little for the disks to be in the middle of something.</summary>
    private void KillAmid(StorageNode node, Fault fault, int looks)
    {
        var losesPower = fault.Kind == FaultKind.PowerLoss;
        if (looks > 0 && node.IsUp && !node.Disks.Any(d => d.IsBusy))
            cluster.World.After(TimeSpan.FromMicroseconds(20), null, _ => KillAmid(node, fault, looks - 1));
        else if (!losesPower || (_powerless == node && OthersHaveAll(node)))
            Kill(node, fault, losesPower);
    }

    /// <summary>Every chain of the node has another replica that lives, serves, and vouches for its content.</summary>
    private bool OthersHaveAll(StorageNode node) => cluster.Chains
        .Where(c => node.Disks.Any(d => d.Identity.Chain == c.Id))
        .All(c => cluster.Replicas.Any(r => r.Chain == c.Id && !node.Disks.Any(d => d.Identity.Target == r.Target)
            && r.Place.State == TargetState.Serving && r.Standing.Local == LocalTargetState.UpToDate
            && r.Place.Chain.Version == (cluster.Picture?.Chains[c.Id].Version ?? default)));

    private void Stop(SimProcess process, Fault fault)
    {
        process.Stop();
        cluster.World.After(fault.Duration, null, _ => process.Continue());
    }

    private void Cut(Fault fault, string from, string to, bool bothWays)
    {
        cluster.Network.Cut(from, to);
        if (bothWays) cluster.Network.Cut(to, from);
        cluster.World.After(fault.Duration, null, _ =>
        {
            cluster.Network.Heal(from, to);
            if (bothWays) cluster.Network.Heal(to, from);
        });
    }

    private void SlowLink(Fault fault, string other, TimeSpan by)
    {
        cluster.Network.Slow(fault.Host, other, by);
        cluster.World.After(fault.Duration, null, _ => cluster.Network.Slow(fault.Host, other, TimeSpan.Zero));
    }

    private void SlowDisks(StorageNode node, Fault fault, TimeSpan by)
    {
        foreach (var disk in node.Disks) disk.Extra = by;
        cluster.World.After(fault.Duration, null, _ =>
        {
            foreach (var disk in node.Disks) disk.Extra = TimeSpan.Zero;
        });
    }

    private string[] Others(string host) =>
        [.. cluster.Nodes.Select(n => n.Name).Concat(cluster.Clients.Select(c => c.Name)).Where(n => n != host)];
}
