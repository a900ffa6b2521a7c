using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Fuse.Mounting;

namespace ThreeFs.Cli.Commands;

/// <summary>`threefs down`: unmounts and ends every process of a local cluster; its data stays unless it is to be destroyed.</summary>
internal static class DownCommand
{
    public static Command Create()
    {
        var dir = UpCommand.DirOption();
        var destroy = new Option<bool>("--destroy") { Description = "Also remove the directory with everything stored in it." };
        var command = new Command("down", "Stop a local cluster.") { dir, destroy };
        command.SetAction((parsed, ct) => RunAsync(ClusterDirectory.At(parsed.GetValue(dir)), parsed.GetValue(destroy), ct));
        return command;
    }

    private static async Task<int> RunAsync(ClusterDirectory directory, bool destroy, CancellationToken ct)
    {
        var opened = LocalCluster.Open(directory);
        if (!opened.TryGet(out var cluster)) return Say.Failure(opened.Status);
        var acquired = PidFile.Acquire(directory.LockFile);
        if (!acquired.TryGet(out var held)) return Say.Failure(new Status(acquired.Code, $"another `threefs up` or `down` works on {directory.Path}"));
        using (held)
        {
            var status = await cluster.StopAsync(ct);
            if (!status.IsOk) return Say.Failure(status);
            if (destroy) return Destroy(cluster);
        }

        Console.WriteLine($"stopped; the data is in {directory.Path}");
        return 0;
    }

    private static int Destroy(LocalCluster cluster)
    {
        // Never delete through a mount: what is under it would be the user's files, one by one.
        if (MountEntry.TypeAt(cluster.Plan.Mount) is { } type)
            return Say.Failure(new Status(StatusCode.Busy, $"{cluster.Plan.Mount} is still mounted ({type}); unmount it first"));
        Say.Progress($"removing {cluster.Directory.Path} ...");
        var left = cluster.Directory.Remove();
        Console.WriteLine(left.Count == 0
            ? $"stopped and removed {cluster.Directory.Path}"
            : $"stopped and removed the cluster in {cluster.Directory.Path}; not of the cluster and left there: {string.Join(", ", left)}");
        return 0;
    }
}
