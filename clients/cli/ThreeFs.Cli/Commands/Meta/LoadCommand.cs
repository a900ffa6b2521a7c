using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Output;
using ThreeFs.Cli.Stores;
using ThreeFs.Kv.Transfer;

namespace ThreeFs.Cli.Commands.Meta;

/// <summary>`threefs meta load`: fills an empty store from a file that `meta dump` wrote.</summary>
internal static class LoadCommand
{
    private static readonly Argument<FileInfo> _file = new("FILE") { Description = "What `threefs meta dump` wrote." };

    public static Command Create()
    {
        var (kv, cluster) = (DumpOptions.NewStore(), OfflineStore.NewClusterOption());
        var command = new Command("load", "Fill an empty store from a file that `threefs meta dump` wrote.")
        {
            _file, kv, cluster,
        };
        command.SetAction((parsed, ct) => RunAsync(
            parsed.GetValue(_file)!, parsed.GetValue(kv)!, parsed.GetValue(cluster)!, ct));
        return command;
    }

    private static async Task<int> RunAsync(FileInfo file, string uri, string clusterId, CancellationToken ct)
    {
        await using var stream = new FileStream(
            file.FullName, FileMode.Open, FileAccess.Read, FileShare.Read, DumpOptions.Buffer);
        var opened = await OfflineStore.OpenAsync(uri, clusterId, ct);
        if (!opened.TryGet(out var store)) return Say.Failure(opened.Status);
        await using var _ = store;
        var loaded = await KvDump.LoadAsync(stream, store.Whole, new TransferProgress("loaded").Report, ct);
        if (!loaded.IsOk) return Say.Failure(new Status(loaded.Code, $"{file} to {uri}: {loaded.Status.Message}"));
        Console.WriteLine($"loaded {loaded.Value} from {file.FullName}; verified");
        return 0;
    }
}
