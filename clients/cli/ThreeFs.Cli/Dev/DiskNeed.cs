using ThreeFs.Base;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// What a new cluster needs of the disk it is made on, so that one that is too small is refused
/// before anything is made.
/// </summary>
internal static class DiskNeed
{
    /// <summary>A target's index reserves the space of its log and its manifest at once.</summary>
    private static readonly ByteSize _target = new(80 * ByteSize.MiB);

    /// <summary>The store, logs, and the space that chunks never take.</summary>
    private static readonly ByteSize _rest = new(96 * ByteSize.MiB);

    public static ByteSize Of(ClusterPlan plan) => new(plan.Storage * plan.Targets * _target.Bytes + _rest.Bytes);

    /// <summary>Of a cluster that is to be made; one that is there already has what it needs.</summary>
    public static Status Check(ClusterDirectory directory, ClusterPlan plan)
    {
        if (directory.Exists) return Status.Ok;
        var free = new ByteSize(new DriveInfo(directory.Path).AvailableFreeSpace);
        return Check(directory.Path, plan, free);
    }

    internal static Status Check(string path, ClusterPlan plan, ByteSize free)
    {
        var need = Of(plan);
        return free >= need
            ? Status.Ok
            : new Status(
                StatusCode.NoSpace,
                $"a new cluster of {plan.Storage * plan.Targets} targets needs {need} in {path}, "
                + $"and {free} are free there; "
                + "choose another disk with --dir, or fewer targets with --storage and --targets");
    }
}
