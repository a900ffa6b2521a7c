using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Moves;
using ThreeFs.Cli.Output;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Routing;
using ThreeFs.Fuse.Mounting;

namespace ThreeFs.Cli.Dev;

/// <summary>What runs where in a local cluster; the form of `status --json`.</summary>
internal sealed record ClusterStatus(
    string Dir, MountState Mount, IReadOnlyList<NodeRow> Nodes, IReadOnlyList<ChainRow> Chains, SpaceRow? Space,
    IReadOnlyList<SyncRow> Syncing, IReadOnlyList<string> Problems)
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public bool IsWell => Mount.Mounted && Problems.Count == 0
        && Nodes.All(n => n.Pid is not null && n.State is "connected" or "primary" or "standby")
        && Chains.All(c => c.Targets.All(t => t.State == "serving" || t.Leaving));

    /// <summary>
    /// Asks the cluster manager for at most <paramref name="patience"/>; without an answer only processes are known.
    /// </summary>
    /// <param name="view">Null when it is not known where the cluster managers are.</param>
    public static async Task<ClusterStatus> ReadAsync(
        LocalCluster cluster, ClusterView? view, TimeSpan patience, CancellationToken ct)
    {
        var anyMgmtd = cluster.Roles.Any(r => r.Command == "mgmtd" && r.Process.Pid is not null);
        var routing = anyMgmtd && view is not null ? await view.NewestRoutingAsync(patience, ct) : RoutingInfo.Empty;
        var nodes = cluster.Roles.Where(r => r != cluster.Mount).Select(r => Row(r, routing)).ToArray();
        var chains = routing.Chains.Values.OrderBy(c => c.Id).Select(c => Row(c, routing)).ToArray();
        var anyStorage = view is not null && routing.Nodes.Values.Any(n => n.Kind == NodeKind.Storage && n.IsActive);
        var space = anyStorage ? await view!.SpaceAsync(patience, ct) : null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(patience);
        var syncing = view is null ? [] : await SyncProgress.ReadAsync(view, routing, limit.Token);
        string[] problems = [.. cluster.Damage.Select(d => d.Message!), .. cluster.MissingTargets(routing)];
        if (cluster.CheckKept() is { IsOk: false } lost) problems = [.. problems, lost.Message!];
        var mounted = MountEntry.TypeAt(cluster.Plan.Mount)?.StartsWith("fuse", StringComparison.Ordinal) == true;
        return new ClusterStatus(
            cluster.Directory.Path,
            new MountState(
                cluster.Plan.Mount, mounted && cluster.Mount.Process.Pid is not null, cluster.Mount.Process.Pid),
            nodes, chains, SpaceRow.Of(space), [.. syncing.Select(SyncRow.Of)], problems);
    }

    public string ToJson() => JsonSerializer.Serialize(this, _json) + "\n";

    public string ToText()
    {
        var text = new StringBuilder();
        var nodes = new Table("NODE", "ID", "PID", "ADDRESS", "STATE", "HEARTBEAT");
        foreach (var n in Nodes)
        {
            var age = n.HeartbeatAgeSeconds is { } seconds ? $"{seconds:0.0} s ago" : "-";
            nodes.Add(n.Name, $"{n.Id}", n.Pid?.ToString() ?? "-", n.Address, n.State, age);
        }

        text.Append(nodes).Append('\n');

        var chains = new Table("CHAIN", "VERSION", "TARGETS (head to tail)");
        foreach (var c in Chains)
        {
            var targets = c.Targets.Select(t => Names.Of(t.Id, t.State, t.Leaving));
            chains.Add($"{c.Id}", $"{c.Version}", string.Join("  ", targets));
        }

        text.Append(chains).Append('\n');
        foreach (var row in Syncing) text.Append($"chain {row.Chain}: target {row.Target} {row.Text}\n");
        if (Syncing.Count > 0) text.Append('\n');

        if (Space is { } s)
        {
            text.Append($"space: {new ByteSize(s.UsedBytes)} used, {new ByteSize(s.FreeBytes)} free for files");
            text.Append($" (disks: {new ByteSize(s.DiskFreeBytes)} free of {new ByteSize(s.DiskCapacityBytes)}, ");
            text.Append($"{s.Replicas:0.#} replicas)\n");
        }

        text.Append(
            Mount.Mounted ? $"mount: {Mount.Path} (process {Mount.Pid})\n" : $"mount: {Mount.Path} is not mounted\n");
        foreach (var problem in Problems) text.Append($"problem: {problem}\n");
        return text.ToString();
    }

    private static NodeRow Row(LocalRole role, RoutingInfo routing)
    {
        var id = role.NodeId;
        var pid = role.Process.Pid;
        var node = routing.Nodes.GetValueOrDefault(new NodeId(id));
        var name = role.Command;
        var state = pid is null ? "down" : node?.State switch
        {
            null => name == "mgmtd" ? "standby" : "unknown",
            NodeState.PrimaryMgmtd => "primary",
            { } s when name == "mgmtd" && s != NodeState.Disabled => "standby",
            { } s => s.ToString().ToLowerInvariant(),
        };
        double? age = node is null || node.LastHeartbeat == default
            ? null
            : Math.Max(0, (DateTimeOffset.UtcNow - node.LastHeartbeat).TotalSeconds);
        return new NodeRow(role.Name, name, id, pid, role.Address, state, age);
    }

    private static ChainRow Row(ChainInfo chain, RoutingInfo routing) => new(
        chain.Id.Value, chain.Version.Value,
        chain.Targets.Select(t => new TargetRow(
            t.Id.Value, routing.Targets.TryGetValue(t.Id, out var info) ? info.Node.Value : 0,
            Names.Of(t.State), chain.IsLeaving(t.Id)))
            .ToArray());
}

internal sealed record MountState(string Path, bool Mounted, int? Pid);

internal sealed record NodeRow(
    string Name, string Role, uint Id, int? Pid, string Address, string State, double? HeartbeatAgeSeconds);

internal sealed record ChainRow(uint Id, uint Version, IReadOnlyList<TargetRow> Targets);

/// <summary>A target that is brought up to date.</summary>
/// <param name="TotalChunks">An estimate, as <paramref name="SecondsLeft"/> is; null while nothing can be told.</param>
internal sealed record SyncRow(
    uint Chain, ulong Target, long ComparedChunks, long TotalChunks, long SentChunks, long SentBytes,
    double ElapsedSeconds,
    double BytesPerSecond, double? SecondsLeft, [property: JsonIgnore] string Text)
{
    public static SyncRow Of(SyncProgress progress) => new(
        progress.Chain.Value, progress.Target.Value, progress.Report.ComparedChunks, progress.Report.TotalChunks,
        progress.Report.SentChunks,
        progress.Report.SentBytes, progress.Report.Elapsed.TotalSeconds, progress.BytesPerSecond,
        progress.Left?.TotalSeconds, progress.ToString());
}

/// <param name="Leaving">Another target takes its place; see ChainInfo.</param>
internal sealed record TargetRow(ulong Id, uint Node, string State, bool Leaving);

/// <summary>What files can hold, and what the disks under it have.</summary>
internal sealed record SpaceRow(
    long CapacityBytes, long FreeBytes, long UsedBytes, long DiskCapacityBytes, long DiskFreeBytes, double Replicas)
{
    public static SpaceRow? Of(ClusterSpace? space) => space is null ? null : new SpaceRow(
        space.Usable.CapacityBytes, space.Usable.FreeBytes, space.Usable.UsedBytes, space.CapacityBytes,
        space.FreeBytes, space.Replicas);
}
