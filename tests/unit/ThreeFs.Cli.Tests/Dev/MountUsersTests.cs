using ThreeFs.Cli.Dev;

namespace ThreeFs.Cli.Tests.Dev;

public sealed class MountUsersTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("threefs-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void An_open_file_is_found_and_whether_it_is_written()
    {
        using (File.OpenRead(NewFile("read")))
            Assert.False(Assert.Single(Mine()).Writes);
        using (File.OpenWrite(NewFile("written")))
            Assert.True(Assert.Single(Mine()).Writes);
        Assert.Empty(Mine());
    }

    [Fact]
    public void A_file_beside_the_mount_and_the_mounts_own_process_do_not_count()
    {
        Directory.CreateDirectory($"{_root}/mnt");
        using var beside = File.OpenWrite(NewFile("mnt-2"));
        Assert.DoesNotContain(MountUsers.Find($"{_root}/mnt"), u => u.Pid == Environment.ProcessId);
        using var file = File.OpenWrite(NewFile("mnt/file"));
        Assert.Empty(MountUsers.Find($"{_root}/mnt", Environment.ProcessId));
        Assert.Contains(MountUsers.Find($"{_root}/mnt"), u => u.Pid == Environment.ProcessId);
    }

    [Fact]
    public void A_working_directory_and_a_mapped_file_are_found_by_process_and_name()
    {
        Write("41/comm", "bash\n");
        Link("41/cwd", "/mnt/data/deep");
        Write("42/comm", "trainer\n");
        Write("42/maps", "7f00-7f01 r--s 00000000 00:2f 12    /mnt/data/model.bin\n");
        Write("43/maps", "7f00-7f01 r--s 00000000 00:2f 12    /mnt/database/x\n");
        Link("43/cwd", "/");
        Assert.Equal(
            [new MountUser(41, "bash", false), new MountUser(42, "trainer", false)],
            MountUsers.Find(_root, "/mnt/data", []));
    }

    private IEnumerable<MountUser> Mine() => MountUsers.Find(_root).Where(u => u.Pid == Environment.ProcessId);

    private string NewFile(string name)
    {
        var path = Path.Combine(_root, name);
        File.WriteAllText(path, "text");
        return path;
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{_root}/{name}")!);
        File.WriteAllText($"{_root}/{name}", text);
    }

    private void Link(string name, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{_root}/{name}")!);
        File.CreateSymbolicLink($"{_root}/{name}", target);
    }
}
