using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Moves;
using ThreeFs.Cli.Output;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>`threefs admin nodes`: every process that the cluster manager knows.</summary>
internal static class NodesCommand
{
    public static Command Create() =>
        AdminCall.Command("nodes", "List servers: kind, state, where they are reached.", RunAsync);

    private static Task<Result<string>> RunAsync(AdminCall call)
    {
        var table = new Table("NODE", "KIND", "STATE", "HOST", "PID", "ENDPOINTS", "HEARTBEAT");
        foreach (var node in call.Routing.Nodes.Values.OrderBy(n => n.Id))
        {
            var endpoints = string.Join(" ", node.Endpoints.Select(e => $"{e.Kind.ToString().ToLowerInvariant()}={e}"));
            var heartbeat = node.LastHeartbeat <= DateTimeOffset.UnixEpoch
                ? "-" : $"{Math.Max(0, (DateTimeOffset.UtcNow - node.LastHeartbeat).TotalSeconds):0.0} s ago";
            var state = Names.Of(node.State) + (ClusterSurvey.IsDraining(node) ? ", draining" : "");
            table.Add(
                $"{node.Id}", Names.Of(node.Kind), state, node.HostName, $"{node.ProcessId}", endpoints, heartbeat);
        }

        return Task.FromResult<Result<string>>(table.ToString());
    }
}
