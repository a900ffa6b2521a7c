using ThreeFs.Base;
using ThreeFs.Cli.Dev;

namespace ThreeFs.Cli.Tests.Dev;

public sealed class ClusterDirectoryTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("threefs-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_new_cluster_gets_a_new_or_an_empty_directory_or_what_a_failed_start_left()
    {
        Assert.True(ClusterDirectory.At($"{_root}/new/deep").Make().IsOk);
        Assert.True(ClusterDirectory.At($"{_root}/new/deep").Make().IsOk);
        Directory.CreateDirectory($"{_root}/new/deep/storage-12");
        File.WriteAllText($"{_root}/new/deep/lock", "");
        Assert.True(ClusterDirectory.At($"{_root}/new/deep").Make().IsOk);
    }

    [Fact]
    public void A_directory_with_other_things_and_a_file_are_refused_by_name()
    {
        File.WriteAllText($"{_root}/thesis.tex", "");
        var refused = ClusterDirectory.At(_root).Make();
        Assert.Equal(StatusCode.InvalidArgument, refused.Code);
        Assert.Contains("thesis.tex", refused.Message);
        Assert.Contains("is a file", ClusterDirectory.At($"{_root}/thesis.tex").Make().Message);
        Assert.Equal(StatusCode.IoError, ClusterDirectory.At("/proc/nope").Make().Code);
    }

    [Fact]
    public void Removal_takes_the_cluster_and_leaves_everything_else()
    {
        var directory = ClusterDirectory.At($"{_root}/dev");
        Assert.True(directory.Make().IsOk);
        foreach (var name in new[] { "kv", "storage-1/data", "mgmtd-2", "mount", "mnt", "notes", "storage-x" })
            Directory.CreateDirectory($"{_root}/dev/{name}");
        File.WriteAllText(directory.PlanFile, "");
        var removed = directory.Remove();
        Assert.Equal(["notes", "storage-x"], removed.Left);
        Assert.True(Directory.Exists($"{removed.Moved}/storage-1/data"), "moved beside, to be deleted");
        Assert.Equal(["notes", "storage-x"], Directory.GetDirectories($"{_root}/dev").Select(d => Path.GetFileName(d)).Order());
        Directory.Delete($"{_root}/dev/notes");
        Directory.Delete($"{_root}/dev/storage-x");
        Assert.Empty(directory.Remove().Left);
        Assert.False(Directory.Exists($"{_root}/dev"));
    }
}
