using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Output;
using ThreeFs.Cli.Stores;
using ThreeFs.Kv.Transfer;

namespace ThreeFs.Cli.Commands.Meta;

/// <summary>
/// `threefs meta dump`: a cluster's metadata as one file, in a format that no store knows (<see cref="KvDump"/>). The
/// file is there when it is whole, or not at all.
/// </summary>
internal static class DumpCommand
{
    private static readonly Argument<FileInfo> _file = new("FILE")
    {
        Description = "The file to write; must not exist.",
    };

    public static Command Create()
    {
        var (kv, cluster) = (DumpOptions.NewStore(), OfflineStore.NewClusterOption());
        var command = new Command(
            "dump", "Write a cluster's metadata to a file. Its mgmtd and meta processes must be stopped.")
        {
            _file, kv, cluster,
        };
        command.SetAction((parsed, ct) => RunAsync(
            parsed.GetValue(_file)!, parsed.GetValue(kv)!, parsed.GetValue(cluster)!, ct));
        return command;
    }

    private static async Task<int> RunAsync(FileInfo file, string uri, string clusterId, CancellationToken ct)
    {
        if (file.Exists)
            return Say.Failure(new Status(StatusCode.InvalidArgument, $"{file} is there already; name another file"));
        var opened = await OfflineStore.OpenExistingAsync(uri, clusterId, ct);
        if (!opened.TryGet(out var store)) return Say.Failure(opened.Status);
        await using var _ = store;

        var partial = $"{file.FullName}.partial";
        try
        {
            var dumped = await WriteAsync(store.Whole, partial, ct);
            if (!dumped.IsOk) return Say.Failure(new Status(dumped.Code, $"{uri}: {dumped.Status.Message}"));
            File.Move(partial, file.FullName);
            Console.WriteLine($"dumped {dumped.Value} to {file.FullName}");
            return 0;
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private static async Task<Result<KvDigest>> WriteAsync(KvWholeStore store, string path, CancellationToken ct)
    {
        Result<KvDigest> written;
        await using (var stream = new FileStream(
            path, FileMode.Create, FileAccess.Write, FileShare.None, DumpOptions.Buffer))
        {
            written = await KvDump.WriteAsync(store, stream, new TransferProgress("dumped").Report, ct);
            if (written.IsOk) stream.Flush(flushToDisk: true);
        }

        if (!written.IsOk) return written;
        var again = await store.DigestAsync(ct);
        if (!again.IsOk || again.Value == written.Value) return again;
        return new Status(
            StatusCode.Busy, "it was written to meanwhile: stop every mgmtd and meta that uses it, and dump again");
    }
}
