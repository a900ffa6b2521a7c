using System.Collections.Immutable;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Mgmtd.Chains;
using ThreeFs.Storage.Craq;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Tests.Simulation;

/// <summary>
/// Some storage nodes with one chain over all of them, a cluster manager that decides with the real chain transitions, and what can go
/// wrong: processes die and return, lose power, are cut off from the manager; connections break.
/// </summary>
internal sealed class SimCluster
{
    public static readonly ChainId Chain = new(7);
    public const double FailureSeconds = 3;

    private sealed class Report
    {
        public LocalTarget Said = null!;
        public ulong Generation;
        public bool IsRestarted;
        public double At;
    }

    private readonly SimNode[] _nodes;
    private readonly Dictionary<TargetId, Report> _reports = [];
    private readonly SimLoop.Line _manager;
    private readonly Queue<string> _log = new();
    private ulong _routingVersion = 1;

    public SimCluster(ulong seed, int nodes)
    {
        Seed = seed;
        SynchronizationContext.SetSynchronizationContext(null);
        Loop = new SimLoop(seed);
        _manager = Loop.NewLine("manager");
        _nodes = [.. Enumerable.Range(1, nodes).Select(i => new SimNode(this, (uint)i))];
        ChainNow = new ChainInfo(
            Chain, new ChainVersion(1),
            [.. _nodes.Select((n, i) => new ChainTarget(n.Target, i == 0 ? TargetState.LastServing : TargetState.Offline))], []);
        foreach (var node in _nodes) node.Start(create: true);
        _ = Watch();
    }

    public ulong Seed { get; }
    public SimLoop Loop { get; }
    public BufferPool Buffers { get; } = new(1L << 30);
    public List<SimLink> Links { get; } = [];
    public ulong Generations { get; set; }
    public int TailQuestions { get; set; }
    public int ResyncedChunks { get; set; }
    public int Repairs { get; set; }
    public int Criticals { get; set; }
    public int Kills { get; private set; }
    public ChainInfo ChainNow { get; private set; }
    public IReadOnlyList<SimNode> Nodes => _nodes;

    public bool AllServe => ChainNow.Targets.All(t => t.State == TargetState.Serving)
        && _nodes.All(n => n.Replica is { } r && r.Place.Chain.Version == ChainNow.Version && r.Standing.Local == LocalTargetState.UpToDate);

    public SimNode Node(NodeId id) => _nodes[id.Value - 1];

    public SimNode Node(TargetId target) => Array.Find(_nodes, n => n.Target == target)!;

    public RoutingInfo Routing => new(
        new RoutingVersion(_routingVersion),
        _nodes.Select(n => new NodeInfo(
            n.Id, NodeKind.Storage, "sim", 1, [], NodeState.Connected, default, ImmutableSortedDictionary<string, string>.Empty)),
        [ChainNow],
        ChainNow.Targets.Select(t => new TargetInfo(t.Id, Chain, t.State, LocalTargetState.Online, Node(t.Id).Id, 0, 0, false)),
        []);

    public void Write(string line)
    {
        _log.Enqueue($"{Loop.Seconds:0.0000} {line}");
        if (_log.Count > 4000) _log.Dequeue();
    }

    public string Story => $"seed {Seed}\n" + string.Join("\n", _log);

    public void Heartbeat(Life life, LocalTarget said)
    {
        if (life.Node.IsCutOff || life.IsDead) return;
        var sent = Loop.Time.GetTimestamp();
        _manager.Add(() => Hear(life, said, sent));
    }

    private void Hear(Life life, LocalTarget said, long sent)
    {
        if (life.Node.Life != life && life.Generation < (_reports.GetValueOrDefault(said.Id)?.Generation ?? 0)) return;
        if (!_reports.TryGetValue(said.Id, out var report)) _reports.Add(said.Id, report = new Report());
        if (report.Generation > life.Generation) return;
        if (report.Generation != life.Generation) report.IsRestarted = report.Generation != 0;
        (report.Said, report.Generation, report.At) = (said, life.Generation, Loop.Seconds);
        Decide();
        life.Post(_ => life.Extend(sent), null);
        SendRouting(life.Node);
    }

    public void SendRouting(SimNode node)
    {
        if (node.IsCutOff || node.Life is not { } life || life.Current.Version.Value == _routingVersion) return;
        var routing = Routing;
        life.Post(_ => life.Receive(routing), null);
    }

    private void Decide()
    {
        var views = ChainNow.Targets.Select(t => View(t.Id)).ToArray();
        var decision = ChainTransition.Next(ChainNow, views);
        foreach (var report in _reports.Values) report.IsRestarted = false;
        if (decision.Chain.Version == ChainNow.Version) return;
        ChainNow = decision.Chain;
        _routingVersion++;
        Write($"manager: chain {ChainNow.Version}: {string.Join(", ", ChainNow.Targets.Select(t => $"{t.Id} {t.State}"))}");
        foreach (var node in _nodes) SendRouting(node);
    }

    private TargetView View(TargetId target)
    {
        if (!_reports.TryGetValue(target, out var report) || Loop.Seconds - report.At > FailureSeconds) return TargetView.Offline;
        if (report.Said.State == LocalTargetState.Offline) return TargetView.Offline;
        if (report.IsRestarted || report.Said.ChainVersion.Value == 0) return TargetView.Started;
        if (report.Said.ChainVersion != ChainNow.Version) return TargetView.Behind;
        return report.Said.State == LocalTargetState.UpToDate ? TargetView.UpToDate : TargetView.Online;
    }

    private async Task Watch()
    {
        for (;;)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), Loop.Time);
            _manager.Add(Decide);
        }
    }

    public void Kill(SimNode node, bool losesPower = false)
    {
        Write($"node {node.Id} is killed{(losesPower ? " and loses power" : "")}");
        Kills++;
        node.Kill(losesPower);
        foreach (var link in Links.ToArray())
        {
            if (link.Peer is { IsDead: true }) link.Break();
        }

        Links.RemoveAll(l => l.IsBroken);
    }

    public void Restart(SimNode node)
    {
        Write($"node {node.Id} starts");
        node.Start(create: false);
    }

    public static ReadResult ReadFailure(StatusCode code) => new(code, 0, 0, 0, default, default);

    public async ValueTask<(ReadResult Result, byte[] Bytes)> ReadAtAsync(Life at, ReadOp op, TimeSpan timeout)
    {
        if (at.Replica is not { } replica) return (ReadFailure(StatusCode.TargetNotFound), []);
        using var buffer = Buffers.TryRent((int)op.Length)!;
        var result = await replica.ReadAsync(op, ReadFlags.None, buffer.Memory, Deadline.In(timeout, Loop.Time));
        return (result, result.Code == StatusCode.Ok ? buffer.Memory.Span[..(int)result.Length].ToArray() : []);
    }

    public async ValueTask<UpdateResult> UpdateAtAsync(Life at, UpdateRequest request, byte[] payload, TimeSpan timeout)
    {
        if (at.Replica is not { } replica) return SimPeers.Failure(StatusCode.TargetNotFound);
        using var buffer = Buffers.TryRent(payload.Length)!;
        payload.CopyTo(buffer.Memory.Span);
        return await replica.UpdateAsync(
            request, buffer.Memory.Slice(0, payload.Length), UpdateSource.Client, Deadline.In(timeout, Loop.Time));
    }
}
