using System.Runtime.CompilerServices;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Cluster;
using ThreeFs.Fuse.Tests.Support;
using FileAttributes = ThreeFs.Fuse.Cluster.FileAttributes;

namespace ThreeFs.Fuse.Tests.Cluster;

/// <summary>chattr(1) and lsattr(1).</summary>
public sealed class FileAttributeTests
{
    [Fact]
    public async Task An_immutable_file_and_an_append_only_one_are_made_and_unmade()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var mount = cluster.Mount(new ClusterOptions());
        await Command.ShellAsync(
            $"cd {mount.At("")} && echo one > i && echo one > a && mkdir d && chattr +i i d && chattr +a a"
            + " && lsattr i | grep -q -e '-i-' && lsattr a | grep -q -e '-a-' && ! rm -f i 2> /dev/null"
            + " && ! sh -c 'echo x > i' 2> /dev/null && ! touch d/x 2> /dev/null && echo two >> a"
            + " && chattr -i i d && chattr -a a && rm -r i a d");
    }

    [Fact]
    public void The_answer_has_the_kernels_layout()
    {
        Assert.Equal((int)(FileAttributes.Command >> 16 & 0x3FFF), Unsafe.SizeOf<FileAttributes>());
        Assert.Equal(0x18u, new FileAttributes(InodeFlags.Immutable | InodeFlags.AppendOnly).Flags);
        Assert.Equal(0u, new FileAttributes(InodeFlags.None).Flags);
    }
}
