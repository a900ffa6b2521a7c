using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Cli.Commands;
using ThreeFs.Cli.Dev;
using ThreeFs.Client.Mgmtd;

namespace ThreeFs.Cli.Admin;

/// <summary>
/// The options that name the cluster a command works on: any by its cluster managers, or a local one by its directory.
/// </summary>
internal sealed class WhichCluster
{
    private readonly Option<string[]> _mgmtd = new("--mgmtd")
    {
        Description = "host:port of the cluster managers' gRPC endpoints.", AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _cluster = new("--cluster")
    {
        Description = "Cluster id, with --mgmtd [default: threefs].",
    };

    private readonly Option<string?> _dir = UpCommand.DirOption();

    public void AddTo(Command command)
    {
        command.Add(_mgmtd);
        command.Add(_cluster);
        command.Add(_dir);
    }

    public Result<ClusterView> Connect(ParseResult parsed)
    {
        var addresses = parsed.GetValue(_mgmtd) ?? [];
        var clusterId = parsed.GetValue(_cluster);
        var dir = parsed.GetValue(_dir);
        if (addresses.Length > 0)
        {
            if (dir is not null) return Bad("--mgmtd and --dir name two clusters; give one of them");
            var valid = new MgmtdClientOptions([.. addresses]).Validate();
            return valid.IsOk
                ? ClusterView.Connect(clusterId ?? "threefs", [.. addresses], NullLoggerFactory.Instance)
                : valid;
        }

        if (clusterId is not null) return Bad("--cluster needs --mgmtd: where the cluster managers are");
        var directory = ClusterDirectory.At(dir);
        var found = LocalCluster.Find(directory);
        if (!found.TryGet(out var cluster))
            return Bad(
                $"which cluster? Give --mgmtd HOST:PORT, or --dir of a local one; there is none in {directory.Path}");
        if (cluster.MgmtdAddresses.Length > 0) return ClusterView.Connect(cluster, NullLoggerFactory.Instance);
        return cluster.Damage is [var damage, ..]
            ? damage
            : Bad($"the cluster in {directory.Path} was never started: no cluster manager has a configuration");
    }

    private static Status Bad(string message) => new(StatusCode.InvalidArgument, message);
}
