using ThreeFs.Base;
using ThreeFs.Storage.Server.Disks;

namespace ThreeFs.Storage.Tests.Server;

public sealed class DataDiskTests : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("threefs-disk-").FullName;

    public void Dispose() => Directory.Delete(_path, recursive: true);

    [Fact]
    public void A_path_is_held_by_one_process()
    {
        using (DataDisk.Open(0, _path, "c", 1).Value)
        {
            var second = DataDisk.Open(0, _path, "c", 1);
            Assert.Equal(StatusCode.Busy, second.Code);
            Assert.Contains(_path, second.Status.Message);
        }

        using var again = DataDisk.Open(0, _path, "c", 1).Value;
    }

    [Fact]
    public void A_path_belongs_to_one_node()
    {
        DataDisk.Open(0, _path, "c", 1).Value.Dispose();
        Assert.Equal(StatusCode.ForeignDisk, DataDisk.Open(0, _path, "c", 2).Code);
    }

    [Fact]
    public void A_discarded_target_is_gone_at_once_and_its_files_later_also_when_the_process_died_in_between()
    {
        using var disk = DataDisk.Open(0, _path, "c", 1).Value;
        for (var round = 0; round < 2; round++)
        {
            Directory.CreateDirectory(Path.Combine(disk.DirectoryOf(new TargetId(7)), "index"));
            File.WriteAllText(Path.Combine(disk.DirectoryOf(new TargetId(7)), "index", "f"), "data");
            Directory.CreateDirectory(disk.DirectoryOf(new TargetId(8)));
            Assert.Equal(Status.Ok, disk.Discard(new TargetId(7)));
            Assert.Equal([new TargetId(8)], disk.FindTargets().Select(t => t.Id));
        }

        Assert.Equal(2, Directory.GetDirectories(_path, "discarded-*").Length);
        Assert.Equal(Status.Ok, disk.DeleteDiscarded());
        Assert.Equal(["target-8"], Directory.GetDirectories(_path).Select(Path.GetFileName));
        Assert.Equal(StatusCode.IoError, disk.Discard(new TargetId(7)).Code);
    }

    [Fact]
    public void A_missing_path_is_named() => Assert.Contains("/nowhere/at/all", DataDisk.Open(0, "/nowhere/at/all", "c", 1).Status.Message);
}
