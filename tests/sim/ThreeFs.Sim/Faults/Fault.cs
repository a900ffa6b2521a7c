using System.Globalization;
using ThreeFs.Base;
using ThreeFs.Sim.Nodes;

namespace ThreeFs.Sim.Faults;

internal enum FaultKind
{
    /// <summary>kill -9; the machine keeps what was written. Starts again when the fault ends.</summary>
    Kill,
    /// <summary>The machine dies: what was not flushed is lost or torn. Only while another replica lives that has it all.</summary>
    PowerLoss,
    /// <summary>SIGSTOP, then SIGCONT when the fault ends: a zombie that believes its lease.</summary>
    Stop,
    /// <summary>Everything to and from the host is held back.</summary>
    Isolate,
    /// <summary>The network falls apart: nothing passes between about half of all hosts, clients too, and the others.</summary>
    Partition,
    /// <summary>Messages from the host to another one, often a cluster manager, or back are held back.</summary>
    CutOneWay,
    /// <summary>Every message of the host takes longer.</summary>
    SlowLink,
    /// <summary>Every operation of the host's disks takes longer.</summary>
    SlowDisk,
    /// <summary>Stored bytes of one of the host's targets change, and the disk does not notice. Never the last good copy.</summary>
    BitRot,
    /// <summary>The disk of one of the host's targets cannot read what it stored: until it is written, or until the fault ends.</summary>
    ReadError,
    /// <summary>Others fill the host's disks: no new chunks fit, or nothing at all.</summary>
    FullDisk,
    /// <summary>A connection of the host breaks at both ends.</summary>
    Reset,
    /// <summary>The wall clock jumps.</summary>
    ClockJump,
    /// <summary>No fault, an operator: a serving target of the host is asked to step down, and comes back by a resync.</summary>
    StepDown,
    /// <summary>A client that works with files dies for good; another one starts.</summary>
    ClientDeath,
}

/// <summary>One thing that goes wrong: when, what, to whom, for how long. Plain data, so that a run can be repeated without some.</summary>
/// <param name="Salt">What else is random about it: which connection, which peer, how much.</param>
internal sealed record Fault(TimeSpan At, FaultKind Kind, string Host, TimeSpan Duration, ulong Salt)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{At.TotalSeconds:0.000}s {Kind} {Host} for {Duration.TotalSeconds:0.000}s");

    /// <summary>Draws the faults of a run.</summary>
    public static List<Fault> Draw(SeededRandom random, SimCluster cluster, TimeSpan from, TimeSpan time)
    {
        // Each run has a temper of its own: a few kinds, seldom or often.
        var kinds = cluster.Variant.Faults ?? [.. Enum.GetValues<FaultKind>().Where(k => k != FaultKind.StepDown)];
        random.Shuffle(kinds.AsSpan());
        kinds = kinds[..Math.Min(kinds.Length, random.Next(1, random.NextBool(0.5) ? 4 : kinds.Length + 1))];
        var pause = 0.1 + random.NextDouble() * 2;
        var hosts = cluster.Nodes.Select(n => n.Name).ToArray();
        var faults = new List<Fault>();
        for (var at = from; at < from + time; at += TimeSpan.FromSeconds(pause * 2 * random.NextDouble()))
        {
            var kind = kinds[random.Next(kinds.Length)];
            var host = random.NextBool(0.75)
                ? cluster.Storages[random.Next(cluster.Storages.Length)].Name
                : hosts[random.Next(hosts.Length)];
            var seconds = random.NextBool(0.5) ? random.NextDouble() : random.NextDouble() * 8;
            faults.Add(new Fault(at, kind, host, TimeSpan.FromSeconds(seconds), random.NextUInt64()));
        }

        return Operated(faults, cluster, from, time);
    }

    /// <summary>In every other run an operator lets targets step down. Drawn from the faults, which stay what they are without him.</summary>
    private static List<Fault> Operated(List<Fault> faults, SimCluster cluster, TimeSpan from, TimeSpan time)
    {
        var random = new SeededRandom(faults.Count == 0 ? 0 : faults[0].Salt);
        if (random.NextBool(0.5)) return faults;
        for (var at = from; at < from + time; at += TimeSpan.FromSeconds(4 * random.NextDouble()))
        {
            var host = cluster.Storages[random.Next(cluster.Storages.Length)].Name;
            faults.Add(new Fault(at, FaultKind.StepDown, host, TimeSpan.Zero, random.NextUInt64()));
        }

        return faults;
    }
}
