using ThreeFs.Base;
using ThreeFs.Cli.Dev;

namespace ThreeFs.Cli.Tests.Dev;

public sealed class MountPointTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("threefs-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("c", "c")]
    [InlineData("c", "")]
    [InlineData("c/d", "c")]
    [InlineData("c", "c/kv")]
    [InlineData("c", "c/storage-1")]
    [InlineData("c", "c/storage-1/data")]
    [InlineData("c", "c/mount")]
    [InlineData("c", "link")]
    [InlineData("link/c", "")]
    [InlineData("c", "link/c/mgmtd-2")]
    public void A_mount_over_the_clusters_own_files_is_refused_with_both_names(string cluster, string mount)
    {
        // The link leads to the directory that holds all of them, which need not be there yet.
        Directory.CreateSymbolicLink($"{_root}/link", _root);
        var (directory, path) = (ClusterDirectory.At($"{_root}/{cluster}"), $"{_root}/{mount}".TrimEnd('/'));
        AssertRefused(path, directory);
        Directory.CreateDirectory($"{directory.Path}/kv");
        AssertRefused(path, directory);
    }

    [Fact]
    public void A_mount_where_a_link_of_the_clusters_directory_leads_is_refused()
    {
        Directory.CreateDirectory($"{_root}/c");
        Directory.CreateDirectory($"{_root}/disk/kv");
        Directory.CreateSymbolicLink($"{_root}/c/kv", $"{_root}/disk/kv");
        var directory = ClusterDirectory.At($"{_root}/c");
        AssertRefused($"{_root}/disk", directory);
        AssertRefused($"{_root}/disk/kv", directory);
    }

    [Fact]
    public void A_mount_over_or_inside_of_a_data_path_elsewhere_is_refused()
    {
        Assert.Contains("/srv/disk1/data", MountPoint.CheckApart("/srv/disk1", ["/srv/disk1/data"]).Message);
        Assert.Contains("/srv/disk1/data", MountPoint.CheckApart("/srv/disk1/data/x", ["/srv/disk1/data"]).Message);
        Assert.Equal(Status.Ok, MountPoint.CheckApart("/srv/disk1/data2", ["/srv/disk1/data", "/srv/disk2"]));
    }

    [Theory]
    [InlineData("c/mnt")]
    [InlineData("c/mnt/deep")]
    [InlineData("c/files")]
    [InlineData("c2")]
    [InlineData("elsewhere/mnt")]
    public void Apart_from_them_it_may_be_anywhere(string mount)
    {
        var directory = ClusterDirectory.At($"{_root}/c");
        Assert.Equal(Status.Ok, MountPoint.Check($"{_root}/{mount}", directory));
        Directory.CreateDirectory($"{_root}/c/storage-1");
        Assert.Equal(Status.Ok, MountPoint.Check($"{_root}/{mount}", directory));
    }

    [Fact]
    public void What_can_never_be_mounted_at_is_refused_with_the_reason()
    {
        File.WriteAllText($"{_root}/file", "");
        File.CreateSymbolicLink($"{_root}/dangling", "/nowhere/at/all");
        Directory.CreateDirectory($"{_root}/full/x");
        var directory = ClusterDirectory.At($"{_root}/c");
        Assert.Contains($"{_root}/file is a file", MountPoint.Check($"{_root}/file", directory).Message);
        Assert.Contains($"{_root}/file is a file", MountPoint.Check($"{_root}/file/x", directory).Message);
        Assert.Contains("symbolic link to /nowhere/at/all", MountPoint.Check($"{_root}/dangling", directory).Message);
        Assert.Contains("is not empty", MountPoint.Check($"{_root}/full", directory).Message);
        Assert.Contains("proc", MountPoint.Check("/proc", directory).Message);
    }

    private static void AssertRefused(string mount, ClusterDirectory directory)
    {
        var status = MountPoint.Check(mount, directory);
        Assert.Equal(StatusCode.InvalidArgument, status.Code);
        Assert.Contains(mount, status.Message);
        Assert.Contains(directory.Path, status.Message);
    }
}
