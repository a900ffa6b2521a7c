namespace ThreeFs.Fuse.Tests.Mounts;

public sealed class SmokeTests
{
    [Fact]
    public async Task A_file_written_is_read_back()
    {
        await using var mount = MountFixture.Memory();
        var bytes = new byte[3_000_001];
        new Random(1).NextBytes(bytes);
        await File.WriteAllBytesAsync(mount.At("a"), bytes);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(mount.At("a")));
        Assert.Equal(bytes.Length, new FileInfo(mount.At("a")).Length);
        Assert.Contains("fuse.hf3fs", await File.ReadAllTextAsync("/proc/mounts"), StringComparison.Ordinal);
    }
}
