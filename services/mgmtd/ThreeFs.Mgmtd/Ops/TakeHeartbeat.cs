using System.Text;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Records;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// A node tells that it lives, where it is reached and how its targets are. Accepting it grants a lease, so it is
/// accepted only by a trusted primary and only from the newest process of a known, enabled node.
/// </summary>
/// <remarks>
/// Heartbeats of one process are ordered by sequence, processes of one node by generation; whatever is not newer than
/// what was accepted last is refused, so a delayed one cannot revive the dead. When clocks went back between two
/// starts, the delayed one may be of a process that is dead and started "later" than the living one: once it has
/// fallen silent, the living one is told to claim a later start (HeartbeatOutlived). A new generation is a restart: all
/// its targets have to prove themselves (see <see cref="Chains.ChainTransition"/>). Only a changed address or process
/// is stored, everything else is memory.
/// </remarks>
internal sealed class TakeHeartbeat(MgmtdCore core)
{
    public async ValueTask<Result<HeartbeatReply>> RunAsync(Heartbeat heartbeat, CancellationToken ct)
    {
        if (Wrong(heartbeat) is { } wrong) return new Status(StatusCode.InvalidArgument, wrong);
        if (heartbeat.Node == core.Self.Id) return OfSelf(heartbeat);
        var known = core.Read(term => Admit(term, heartbeat));
        if (!known.TryGet(out var record)) return known.Status;
        var current = Describe(record, heartbeat);
        if (current != record)
        {
            var stored = await core.ChangeAsync(term => Store(term, heartbeat), ct);
            if (!stored.IsOk) return stored.Status;
        }

        var restarted = record.Generation != 0 && record.Generation != heartbeat.Generation;
        return core.Read(term => Take(term, heartbeat, restarted));
    }

    private static string? Wrong(Heartbeat heartbeat)
    {
        if (heartbeat.Node.Value == 0) return "a heartbeat of node 0";
        if (!Enum.IsDefined(heartbeat.Kind)) return $"node {heartbeat.Node}: {(byte)heartbeat.Kind} is no kind of node";
        if (heartbeat.Endpoints.Length > MgmtdLimits.Endpoints)
            return $"node {heartbeat.Node} has more than {MgmtdLimits.Endpoints} endpoints";
        if (Encoding.UTF8.GetByteCount(heartbeat.HostName) > MgmtdLimits.NameBytes)
            return $"node {heartbeat.Node}: the host name is too long";
        foreach (var endpoint in heartbeat.Endpoints)
        {
            if (endpoint.Host.Length == 0 || Encoding.UTF8.GetByteCount(endpoint.Host) > MgmtdLimits.NameBytes
                || endpoint.Port is <= 0 or > 65535)
            {
                return $"node {heartbeat.Node}: \"{endpoint}\" is no endpoint";
            }
        }

        if (heartbeat.Targets.Length > MgmtdLimits.TargetsPerHeartbeat)
            return $"node {heartbeat.Node} reports more than {MgmtdLimits.TargetsPerHeartbeat} targets";
        var seen = new HashSet<TargetId>();
        foreach (var target in heartbeat.Targets)
        {
            if (target.Id.Value == 0 || !seen.Add(target.Id))
                return $"node {heartbeat.Node} reports target {target.Id} twice or without a number";
            if (!Enum.IsDefined(target.State))
                return $"node {heartbeat.Node}: target {target.Id} has the unknown state {(byte)target.State}";
        }

        return null;
    }

    /// <summary>A mgmtd that beats at all it knows beats at itself while it is the primary.</summary>
    private Result<HeartbeatReply> OfSelf(Heartbeat heartbeat) =>
        heartbeat.ProcessId == core.Self.ProcessId && heartbeat.HostName == core.Self.HostName
            ? core.Read(term => new HeartbeatReply(term.Version, core.Timing.NodeLease, null))
            : new Status(
                StatusCode.NodeExists,
                $"the primary mgmtd has node id {heartbeat.Node}; give every process an id of its own");

    /// <summary>The node's record, or why the heartbeat is refused.</summary>
    private Result<NodeRecord> Admit(Term term, Heartbeat heartbeat)
    {
        var id = heartbeat.Node;
        var skew = (core.Time.GetUtcNow() - heartbeat.SentAt).Duration();
        if (core.Timing.ClockSkew > TimeSpan.Zero && skew > core.Timing.ClockSkew)
            return new Status(
                StatusCode.InvalidArgument,
                $"the clock of node {id} is off by {skew}, allowed are {core.Timing.ClockSkew}: synchronise it");
        var newestConfig = term.Cluster.Configs.GetValueOrDefault(heartbeat.Kind)?.Version ?? 0;
        if (heartbeat.ConfigVersion > newestConfig)
            return new Status(
                StatusCode.VersionFromFuture,
                $"node {id} has configuration version {heartbeat.ConfigVersion}, the newest is {newestConfig}");

        if (!term.Cluster.Nodes.TryGetValue(id, out var node))
        {
            if (!core.Options.AllowUnknownNodes)
                return new Status(StatusCode.NodeNotFound, $"node {id} is not registered");
            return term.Cluster.Nodes.Count < MgmtdLimits.Nodes
                ? new NodeRecord(id, heartbeat.Kind, "", 0, [], NodeRecord.NoTags)
                : new Status(StatusCode.Overloaded, $"{MgmtdLimits.Nodes} nodes are registered, no more fit");
        }

        if (node.Kind != heartbeat.Kind)
        {
            return new Status(
                StatusCode.InvalidArgument, $"node {id} is registered as {node.Kind}, not as {heartbeat.Kind}");
        }
        if (node.IsDisabled) return new Status(StatusCode.NodeDisabled, $"node {id} is disabled");
        var live = term.Nodes[id];
        var earlier = heartbeat.Generation < node.Generation;
        var stale = earlier || (heartbeat.Generation == live.Generation && heartbeat.Sequence <= live.Sequence);
        return stale
            ? new Status(
                earlier && live.State == NodeState.Failed ? StatusCode.HeartbeatOutlived : StatusCode.HeartbeatStale,
                $"node {id}: heartbeat {heartbeat.Generation}/{heartbeat.Sequence} is not newer than "
                + $"{Math.Max(live.Generation, node.Generation)}/{live.Sequence}")
            : node;
    }

    private Result<Change<bool>> Store(Term term, Heartbeat heartbeat)
    {
        var admitted = Admit(term, heartbeat);
        return admitted.TryGet(out var node)
            ? new Change<bool>(term.Cluster.With(Describe(node, heartbeat)), true)
            : admitted.Status;
    }

    private static NodeRecord Describe(NodeRecord node, Heartbeat heartbeat) => node with
    {
        HostName = heartbeat.HostName,
        ProcessId = heartbeat.ProcessId,
        Endpoints = heartbeat.Endpoints,
        Generation = heartbeat.Generation,
    };

    private Result<HeartbeatReply> Take(Term term, Heartbeat heartbeat, bool restarted)
    {
        // Admitted again: a newer one may have overtaken it while its record was stored.
        var admitted = Admit(term, heartbeat);
        if (!admitted.TryGet(out var node)) return admitted.Status;
        if (Describe(node, heartbeat) != node)
            return new Status(StatusCode.Unavailable, $"node {node.Id} changed meanwhile; send it again");
        if (heartbeat.Targets.Any(t => term.BeingLost.Contains(t.Id)))
        {
            return new Status(
                StatusCode.Unavailable, $"targets of node {node.Id} are being taken out of service now; send it again");
        }

        if (restarted) NoteRestart(term, node.Id);
        NoteLife(term, node, heartbeat);
        TakeTargets(term, heartbeat);
        if (term.Dirty.Count > 0 || term.UnpublishedNews) core.Work.Set();
        var newest = term.Cluster.Configs.GetValueOrDefault(heartbeat.Kind);
        return new HeartbeatReply(
            term.Version, core.Timing.NodeLease,
            newest is not null && newest.Version > heartbeat.ConfigVersion ? newest : null);
    }

    private void NoteRestart(Term term, NodeId node)
    {
        MgmtdLog.NodeRestarted(core.Log, node.Value);
        foreach (var (id, record) in term.Cluster.Targets)
        {
            if (record.Node != node) continue;
            if (!term.Targets.TryGetValue(id, out var live)) term.Targets.Add(id, live = new LiveTarget(id));
            live.Restarts++;
            term.MarkDirty(id);
        }
    }

    private void NoteLife(Term term, NodeRecord node, Heartbeat heartbeat)
    {
        var live = term.Nodes[node.Id];
        live.LastSeen = term.Clock.Now;
        live.LastHeartbeat = core.Time.GetUtcNow();
        (live.Generation, live.Sequence, live.ConfigVersion) =
            (heartbeat.Generation, heartbeat.Sequence, heartbeat.ConfigVersion);
        if (live.State == NodeState.Connected) return;
        live.State = NodeState.Connected;
        term.UnpublishedNews = true;
        MgmtdLog.NodeConnected(core.Log, node.Id.Value, node.Kind, heartbeat.ProcessId, heartbeat.HostName);
    }

    private void TakeTargets(Term term, Heartbeat heartbeat)
    {
        var orphans = new HashSet<TargetId>();
        foreach (var report in heartbeat.Targets)
        {
            var inChain = term.Cluster.ChainOf.TryGetValue(report.Id, out var chain);
            if (!term.Targets.TryGetValue(report.Id, out var live))
                term.Targets.Add(report.Id, live = new LiveTarget(report.Id));
            if (live.Alive && live.Node != heartbeat.Node && !term.IsSilent(live.LastSeen))
            {
                MgmtdLog.TargetClaimed(core.Log, heartbeat.Node.Value, report.Id.Value, live.Node.Value);
                continue;
            }

            var news = live.Accept(
                report, heartbeat.Node, inChain ? term.Cluster.Chains[chain].Version : default, term.Clock.Now);
            if (!inChain)
            {
                if (orphans.Add(report.Id) && !term.Nodes[heartbeat.Node].Orphans.Contains(report.Id))
                    MgmtdLog.OrphanSeen(core.Log, heartbeat.Node.Value, report.Id.Value);
                continue;
            }

            if (news.HasFlag(ReportNews.Decides)) term.Dirty.Add(chain);
            if (news.HasFlag(ReportNews.Shown)) term.UnpublishedNews = true;
            if (news.HasFlag(ReportNews.Space)) term.UnpublishedSpace = true;
        }

        ForgetOrphans(term, heartbeat.Node, orphans);
    }

    /// <summary>The report is complete: what it does not name and no chain has is gone.</summary>
    private static void ForgetOrphans(Term term, NodeId node, HashSet<TargetId> now)
    {
        foreach (var id in term.Nodes[node].Orphans)
        {
            if (!now.Contains(id) && !term.Cluster.ChainOf.ContainsKey(id)) term.Targets.Remove(id);
        }

        term.Nodes[node].Orphans = now;
    }
}
