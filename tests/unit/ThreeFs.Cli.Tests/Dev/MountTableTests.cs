using ThreeFs.Cli.Dev;

namespace ThreeFs.Cli.Tests.Dev;

public sealed class MountTableTests
{
    private static readonly string[] _mounts =
    [
        "overlay / overlay rw 0 0",
        "tmpfs /a tmpfs rw 0 0",
        "threefs /a fuse.hf3fs rw 0 0",
        "threefs /with\\040blank fuse.hf3fs rw 0 0",
    ];

    [Theory]
    [InlineData("/a", "fuse.hf3fs")]
    [InlineData("/with blank", "fuse.hf3fs")]
    [InlineData("/b", null)]
    [InlineData("/a/", null)]
    public void The_last_mount_at_a_path_counts(string path, string? type) => Assert.Equal(type, MountTable.TypeAt(path, _mounts));

    [Fact]
    public void The_root_is_mounted() => Assert.NotNull(MountTable.TypeAt("/"));
}
