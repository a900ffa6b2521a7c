using System.Net;
using System.Net.Sockets;
using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>Wrong input gets an error that names the thing, and nothing is lost.</summary>
public sealed class BadInputTests
{
    private static readonly string _threefs = Harness.Cluster.ThreeFs;

    [Theory]
    [InlineData("up --replicas 5", "--replicas 5")]
    [InlineData("up --chunk-size 3MiB", "--chunk-size 3MiB")]
    [InlineData("up --storage many", "many")]
    [InlineData("status", "threefs up")]
    [InlineData("storage --config /nowhere/x.toml", "/nowhere/x.toml")]
    [InlineData("frobnicate", "frobnicate")]
    public async Task A_command_that_cannot_work_names_its_reason(string arguments, string reason)
    {
        var parent = Directory.CreateTempSubdirectory("none-").FullName;
        var directory = arguments.Split(' ')[0] is "up" or "status" ? $"--dir {parent}/cluster" : "";
        var result = await Shell.TryAsync($"{_threefs} {arguments} {directory}");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(reason, result.Output);
        Assert.DoesNotContain("   at ", result.Output);
        Assert.False(Directory.Exists($"{parent}/cluster"), "nothing was created");
        Directory.Delete(parent, recursive: true);
    }

    [Fact]
    public async Task A_configuration_that_cannot_be_read_is_named_and_the_rest_runs_on()
    {
        await using var cluster = await Harness.Cluster.StartAsync();
        await File.WriteAllTextAsync($"{cluster.Mount}/kept", "kept");
        var victim = (await cluster.StatusAsync()).Of("storage").First();
        var config = $"{cluster.Directory}/{victim.Name}/config.toml";
        var good = await File.ReadAllTextAsync(config);
        await Harness.Cluster.KillAsync(victim);
        await File.WriteAllTextAsync(config, good.Replace("data_paths", "data_path"));

        var up = await Shell.TryAsync($"{_threefs} up --dir {cluster.Directory}");
        Assert.NotEqual(0, up.ExitCode);
        Assert.Contains("data_path", up.Output);
        Assert.Contains(config, up.Output);
        Assert.Equal("kept", await File.ReadAllTextAsync($"{cluster.Mount}/kept"));

        await File.WriteAllTextAsync(config, good);
        await cluster.UpAsync();
        await cluster.WaitUntilAllServeAsync();
    }

    [Fact]
    public async Task A_port_that_somebody_else_took_is_replaced()
    {
        await using var cluster = await Harness.Cluster.StartAsync();
        await cluster.DownAsync();
        var line = File.ReadLines($"{cluster.Directory}/mgmtd-1/config.toml").Single(l => l.StartsWith("grpc_port", StringComparison.Ordinal));
        using var thief = new TcpListener(IPAddress.Loopback, int.Parse(line.Split('=')[1]));
        thief.Start();
        await cluster.UpAsync();
        await cluster.WaitUntilAllServeAsync();
    }

    [Fact]
    public async Task A_port_in_use_is_named_by_the_server()
    {
        await using var cluster = await Harness.Cluster.StartAsync();
        var port = File.ReadLines($"{cluster.Directory}/meta-1/config.toml").Single(l => l.StartsWith("http_port", StringComparison.Ordinal)).Split('=')[1].Trim();
        var second = await Shell.TryAsync($"timeout 20 {_threefs} meta --config {cluster.Directory}/meta-1/config.toml");
        Assert.Equal(1, second.ExitCode);
        Assert.Matches($"(in use|cannot listen).*|{port}", second.Output);
        Assert.DoesNotContain("   at ", second.Output);
    }

    [Fact]
    public async Task A_stale_pid_file_does_not_matter()
    {
        await using var cluster = await Harness.Cluster.StartAsync();
        await cluster.DownAsync();
        foreach (var name in new[] { "mgmtd-1", "storage-1", "mount" })
            await File.WriteAllTextAsync($"{cluster.Directory}/{name}/pid", "1\n");
        var status = await cluster.StatusAsync();
        Assert.All(status.Nodes, n => Assert.Null(n.Pid));
        await cluster.UpAsync();
        await cluster.WaitUntilAllServeAsync();
        Assert.True(Directory.Exists("/proc/1"), "the process of the stale file was left alone");
    }

    [Fact]
    public async Task A_mount_point_in_use_is_named()
    {
        var mount = Directory.CreateTempSubdirectory("busy-").FullName;
        var directory = Directory.CreateTempSubdirectory("threefs-").FullName;
        await Shell.RunAsync($"mount -t tmpfs none {mount}; echo mine > {mount}/file");
        try
        {
            var up = await Shell.TryAsync($"{_threefs} up --dir {directory}/c --mount {mount}");
            Assert.NotEqual(0, up.ExitCode);
            Assert.Contains(mount, up.Output);
            Assert.Equal("mine\n", await File.ReadAllTextAsync($"{mount}/file"));
        }
        finally
        {
            await Shell.TryAsync($"{_threefs} down --dir {directory}/c --destroy");
            await Shell.RunAsync($"umount {mount}; rmdir {mount}; rm -rf {directory}");
        }
    }

    [Fact]
    public async Task A_corrupted_byte_on_disk_is_never_read_and_a_target_that_could_not_be_opened_is_opened_later()
    {
        await using var cluster = await Harness.Cluster.StartAsync();
        await Shell.RunAsync($"head -c 8M /dev/urandom > {cluster.Directory}/original; cp {cluster.Directory}/original {cluster.Mount}/f; sync -f {cluster.Mount}/f");
        await cluster.DownAsync();

        // A known run of bytes of one chunk, found in the block files of the first storage server, and changed there.
        var original = await File.ReadAllBytesAsync($"{cluster.Directory}/original");
        var changed = 0;
        foreach (var file in Directory.EnumerateFiles($"{cluster.Directory}/storage-1/data", "*", SearchOption.AllDirectories))
            changed += await CorruptAsync(file, original);
        Assert.True(changed > 0, "the test found the chunk on disk");

        // Of another server one target's index cannot be opened for a while.
        var index = Directory.EnumerateFiles($"{cluster.Directory}/storage-2/data", "CURRENT", SearchOption.AllDirectories).First();
        File.Move(index, $"{index}.away");
        var starting = cluster.UpAsync();
        await cluster.WaitForAsync(_ => cluster.LogOf("storage-2").Contains("is left out"));
        File.Move($"{index}.away", index);
        await starting;
        for (var i = 0; i < 6; i++)
            await Shell.RunAsync($"cmp {cluster.Directory}/original {cluster.Mount}/f; echo 3 > /proc/sys/vm/drop_caches");
        await cluster.WaitUntilAllServeAsync();
    }

    [Fact]
    public async Task A_full_disk_is_an_error_and_nothing_is_lost()
    {
        var directory = Directory.CreateTempSubdirectory("small-").FullName;
        await Shell.RunAsync($"truncate -s 700M {directory}/image; mkfs.ext4 -q {directory}/image; mkdir {directory}/disk; mount -o loop {directory}/image {directory}/disk");
        try
        {
            await Shell.RunAsync($"{_threefs} up --dir {directory}/disk/c --mgmtd 1 --meta 1 --mount {directory}/mnt");
            await Shell.RunAsync($"head -c 20M /dev/urandom > {directory}/original; cp {directory}/original {directory}/mnt/before; sync -f {directory}/mnt/before");
            var full = await Shell.TryAsync($"dd if=/dev/zero of={directory}/mnt/big bs=1M count=1000 conv=fsync");
            Assert.NotEqual(0, full.ExitCode);
            Assert.Contains("No space left", full.Output);
            await Shell.RunAsync($"cmp {directory}/original {directory}/mnt/before; rm {directory}/mnt/big; cmp {directory}/original {directory}/mnt/before");
            await Shell.RunAsync($"{_threefs} fsck --dir {directory}/disk/c");
        }
        finally
        {
            await Shell.TryAsync($"{_threefs} down --dir {directory}/disk/c --destroy");
            await Shell.TryAsync($"umount -l {directory}/mnt 2>/dev/null; umount -l {directory}/disk; rm -rf --one-file-system {directory}");
        }
    }

    private static async Task<int> CorruptAsync(string file, byte[] original)
    {
        var bytes = await File.ReadAllBytesAsync(file);
        var changed = 0;
        for (var at = 0; at + 4096 <= original.Length; at += 1 << 20)
        {
            var found = bytes.AsSpan().IndexOf(original.AsSpan(at + 5000, 64));
            if (found < 0) continue;
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Write);
            stream.Position = found;
            stream.WriteByte((byte)~bytes[found]);
            changed++;
        }

        return changed;
    }
}
