using System.CommandLine;
using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Fuse.Mounting;

namespace ThreeFs.Cli.Commands;

/// <summary>
/// `threefs down`: unmounts and ends every process of a local cluster, also of a damaged one; its data stays
/// unless it is to be destroyed. Who uses the mount is named, because the mount goes away under them; with --wait
/// they are waited for.
/// </summary>
internal static class DownCommand
{
    private static readonly TimeSpan _deleteTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    public static Command Create()
    {
        var dir = UpCommand.DirOption();
        var destroy = new Option<bool>("--destroy")
        {
            Description = "Also remove the directory with everything stored in it.",
        };
        var wait = new Option<bool>("--wait") { Description = "First wait until no process uses the mount." };
        var command = new Command("down", "Stop a local cluster.") { dir, wait, destroy };
        command.SetAction((parsed, ct) => RunAsync(
            ClusterDirectory.At(parsed.GetValue(dir)), parsed.GetValue(wait), parsed.GetValue(destroy), ct));
        return command;
    }

    private static async Task<int> RunAsync(ClusterDirectory directory, bool wait, bool destroy, CancellationToken ct)
    {
        var found = LocalCluster.Find(directory);
        if (!found.TryGet(out var cluster)) return Say.Failure(found.Status);
        if (!destroy)
            foreach (var damage in cluster.Damage) Say.Progress($"going on without it: {damage.Message}");
        if (wait) await WaitUntilUnusedAsync(cluster, ct);
        var acquired = PidFile.Acquire(directory.LockFile);
        if (!acquired.TryGet(out var held))
            return Say.Failure(new Status(acquired.Code, $"another `threefs up` or `down` works on {directory.Path}"));
        using (held)
        {
            if (Users(cluster) is { Count: > 0 } users)
                Say.Progress(
                    $"{cluster.Plan.Mount} is taken away from {string.Join(", ", users)}; --wait waits for them");
            var status = await cluster.StopAsync(ct);
            if (!status.IsOk) return Say.Failure(status);
            if (destroy) return await DestroyAsync(cluster);
        }

        Console.WriteLine($"stopped; the data is in {directory.Path}");
        return 0;
    }

    private static async Task WaitUntilUnusedAsync(LocalCluster cluster, CancellationToken ct)
    {
        IReadOnlyList<MountUser> said = [];
        while (Users(cluster) is { Count: > 0 } users)
        {
            if (!users.SequenceEqual(said))
                Say.Progress($"{cluster.Plan.Mount} is in use by {string.Join(", ", users)} ...");
            said = users;
            await Task.Delay(_pause, ct);
        }
    }

    private static IReadOnlyList<MountUser> Users(LocalCluster cluster) => cluster.Mount.Process.Pid is { } server
        ? MountUsers.Find(MountEntry.WithoutLinks(cluster.Plan.Mount), server)
        : [];

    private static async Task<int> DestroyAsync(LocalCluster cluster)
    {
        // Never delete through a mount: what is under it would be the user's files, one by one.
        if (MountEntry.TypeAt(cluster.Plan.Mount) is { } type)
            return Say.Failure(
                new Status(StatusCode.Busy, $"{cluster.Plan.Mount} is still mounted ({type}); unmount it first"));
        var cleared = await ClusterKeys.ClearAsync(cluster);
        if (!cleared.IsOk) return Say.Failure(cleared);
        var removed = cluster.Directory.Remove();
        var deleted = removed.Moved is not { } files || await DeleteAsync(files);
        Console.WriteLine(removed.Left.Count == 0
            ? $"stopped and removed {cluster.Directory.Path}"
            : $"stopped and removed the cluster in {cluster.Directory.Path}; "
                + $"not of the cluster and left there: {string.Join(", ", removed.Left)}");
        if (!deleted) Console.WriteLine($"its files are being deleted in the background: {removed.Moved}");
        return 0;
    }

    /// <summary>Deletes in a process of its own, which goes on when this one has ended.</summary>
    /// <returns>Whether it was done before the user would have to wait.</returns>
    private static async Task<bool> DeleteAsync(string directory)
    {
        using var rm = Process.Start("setsid", ["rm", "-rf", "--one-file-system", "--", directory]);
        await Task.WhenAny(rm.WaitForExitAsync(), Task.Delay(_deleteTime));
        return rm.HasExited;
    }
}
