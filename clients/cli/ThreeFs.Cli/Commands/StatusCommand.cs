using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;

namespace ThreeFs.Cli.Commands;

/// <summary>
/// `threefs status`: processes, chains and space of a local cluster. Exit code 1 when something of it is not well.
/// </summary>
internal static class StatusCommand
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(3);

    public static Command Create()
    {
        var dir = UpCommand.DirOption();
        var json = new Option<bool>("--json")
        {
            Description = "Print JSON; the exit code is then 0 unless there is no cluster.",
        };
        var command = new Command("status", "Show the processes, chains and space of a local cluster.") { dir, json };
        command.SetAction(
            (parsed, ct) => RunAsync(ClusterDirectory.At(parsed.GetValue(dir)), parsed.GetValue(json), ct));
        return command;
    }

    private static async Task<int> RunAsync(ClusterDirectory directory, bool json, CancellationToken ct)
    {
        var found = LocalCluster.Find(directory);
        if (!found.TryGet(out var cluster))
        {
            var hint = $"create one with: threefs up{directory.Argument}";
            return Say.Failure(new Status(found.Code, $"{found.Status.Message}; {hint}"));
        }

        await using var view = cluster.MgmtdAddresses.Length > 0
            ? ClusterView.Connect(cluster, NullLoggerFactory.Instance)
            : null;
        var status = await ClusterStatus.ReadAsync(cluster, view, _patience, ct);
        Console.Write(json ? status.ToJson() : status.ToText());
        return json || status.IsWell ? 0 : 1;
    }
}
