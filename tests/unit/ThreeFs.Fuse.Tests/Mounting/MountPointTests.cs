using ThreeFs.Base;
using ThreeFs.Fuse.Mounting;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Mounting;

public sealed class MountPointTests
{
    private readonly RecordingLogger _log = new();

    [Fact]
    public void A_missing_directory_and_a_file_are_refused_by_name()
    {
        var file = Path.GetTempFileName();
        var missing = file + "-missing";
        var result = MountPoint.Prepare(missing, _log);
        Assert.Equal(StatusCode.NotFound, result.Code);
        Assert.Contains($"mkdir -p {missing}", result.Status.Message);
        result = MountPoint.Prepare(file, _log);
        Assert.Equal(StatusCode.NotDirectory, result.Code);
        Assert.Contains(file, result.Status.Message);
        Assert.Equal(StatusCode.InvalidArgument, MountPoint.Prepare("", _log).Code);
        File.Delete(file);
    }

    [Fact]
    public async Task A_place_that_is_mounted_is_refused_also_through_a_symlink()
    {
        await using var mount = MountFixture.Memory();
        var link = mount.Root + "-link";
        File.CreateSymbolicLink(link, mount.Root);
        foreach (var path in new[] { mount.Root, mount.Root + "/", link })
        {
            var result = MountPoint.Prepare(path, _log);
            Assert.Equal(StatusCode.Busy, result.Code);
            Assert.Contains($"{mount.Root} is already a mount point", result.Status.Message);
            Assert.Contains($"umount {mount.Root}", result.Status.Message);
        }
    }

    [Fact]
    public void A_path_is_resolved_through_every_symlink_and_may_not_exist_yet()
    {
        var root = Directory.CreateTempSubdirectory("threefs-").FullName;
        Directory.CreateDirectory($"{root}/real/inner");
        Directory.CreateSymbolicLink($"{root}/outer", $"{root}/real");
        Directory.CreateSymbolicLink($"{root}/twice", $"{root}/outer/inner");
        Assert.Equal($"{root}/real/inner/none/mnt", MountEntry.WithoutLinks($"{root}/twice/none/mnt"));
        Assert.Null(MountEntry.TypeAt($"{root}/none/mnt"));
        Assert.NotNull(MountEntry.TypeAt("/proc"));
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public void A_line_of_mountinfo_is_read_with_its_escapes()
    {
        var entry = MountEntry.Parse(@"36 35 98:0 / /mnt/with\040space rw,noatime master:1 shared:2 - fuse.hf3fs three\134fs rw");
        Assert.Equal(new MountEntry("/mnt/with space", "fuse.hf3fs", @"three\fs"), entry);
        Assert.Equal("/", MountEntry.Parse("1 0 0:1 / / rw - rootfs none rw").MountPoint);
    }
}
