using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Output;
using ThreeFs.Cli.Stores;
using ThreeFs.Kv.Transfer;

namespace ThreeFs.Cli.Commands.Kv;

/// <summary>
/// `threefs kv copy`: moves a cluster's metadata to a store of another kind or place, while nothing of the cluster
/// runs.
/// </summary>
internal static class CopyCommand
{
    private static readonly Argument<string> _from = new("FROM")
    {
        Description = "The store to copy: lmdb:DIRECTORY or fdb:CLUSTER_FILE.",
    };

    private static readonly Argument<string> _to = new("TO")
    {
        Description = "The store to fill, which must be empty.",
    };

    public static Command Create()
    {
        var cluster = OfflineStore.NewClusterOption();
        var command = new Command(
            "copy",
            "Copy a cluster's metadata from one store to another. Its mgmtd and meta processes must be stopped.")
        {
            _from, _to, cluster,
        };
        command.SetAction((parsed, ct) => RunAsync(
            parsed.GetValue(_from)!, parsed.GetValue(_to)!, parsed.GetValue(cluster)!, ct));
        return command;
    }

    private static async Task<int> RunAsync(string from, string to, string clusterId, CancellationToken ct)
    {
        var opened = await OfflineStore.OpenExistingAsync(from, clusterId, ct);
        if (!opened.TryGet(out var source)) return Say.Failure(opened.Status);
        await using var _ = source;
        opened = await OfflineStore.OpenAsync(to, clusterId, ct);
        if (!opened.TryGet(out var target)) return Say.Failure(opened.Status);
        await using var __ = target;

        var progress = new TransferProgress("copied");
        var copied = await KvCopy.RunAsync(source.Whole, target.Whole, progress.Report, ct);
        if (!copied.IsOk)
            return Say.Failure(new Status(copied.Code, $"{from} to {to}: {copied.Status.Message}"));
        Console.WriteLine($"copied {copied.Value}; verified");
        Console.WriteLine($"now set kv = \"{target.Uri}\" for every mgmtd and meta of {clusterId}");
        return 0;
    }
}
