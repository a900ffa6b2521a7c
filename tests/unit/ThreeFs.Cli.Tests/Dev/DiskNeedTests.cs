using ThreeFs.Base;
using ThreeFs.Cli.Dev;

namespace ThreeFs.Cli.Tests.Dev;

public sealed class DiskNeedTests
{
    [Fact]
    public void A_disk_too_small_for_a_new_cluster_is_refused_with_what_it_needs()
    {
        var plan = new ClusterPlan { Storage = 3, Targets = 2 };
        Assert.Equal(576 * ByteSize.MiB, DiskNeed.Of(plan).Bytes);
        Assert.Equal(Status.Ok, DiskNeed.Check("/srv", plan, new ByteSize(576 * ByteSize.MiB)));
        var refused = DiskNeed.Check("/srv", plan, new ByteSize(575 * ByteSize.MiB));
        Assert.Equal(StatusCode.NoSpace, refused.Code);
        Assert.Contains("6 targets needs 576MiB in /srv, and 575MiB are free", refused.Message);
    }

    [Fact]
    public void A_cluster_that_is_there_is_not_asked_for_it_again()
    {
        var directory = ClusterDirectory.At(Directory.CreateTempSubdirectory("threefs-").FullName);
        File.WriteAllText(directory.PlanFile, "");
        Assert.Equal(Status.Ok, DiskNeed.Check(directory, new ClusterPlan { Storage = 64, Targets = 1_000_000 }));
        Directory.Delete(directory.Path, recursive: true);
    }
}
