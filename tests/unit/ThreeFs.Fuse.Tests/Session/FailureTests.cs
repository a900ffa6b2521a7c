using ThreeFs.Base;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Session;

/// <summary>Whatever goes wrong inside, the caller gets an answer.</summary>
public sealed class FailureTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_exception_is_an_input_output_error_and_is_logged(bool atOnce)
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var mount = cluster.Mount();
        await File.WriteAllTextAsync(mount.At("a"), "content");
        cluster.Contents.Before = async (_, _) =>
        {
            if (!atOnce) await Task.Yield();
            throw new InvalidOperationException("storage fell over");
        };
        Assert.Equal(Errno.EIO, ReadDirect(mount.At("a")));
        cluster.Contents.Before = null;
        Assert.Equal(Errno.Ok, ReadDirect(mount.At("a")));
        Assert.Contains(mount.Mount.Log.Lines, l => l.StartsWith("Error", StringComparison.Ordinal)
            && l.Contains("storage fell over"));
        await mount.SettleAsync();
    }

    [Theory]
    [InlineData(StatusCode.NoSpace, Errno.ENOSPC)]
    [InlineData(StatusCode.Corruption, Errno.EIO)]
    public async Task A_failed_write_says_why_and_the_next_report_asks_storage(StatusCode code, object errno)
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var mount = cluster.Mount();
        var buffer = Posix.Aligned(4096);
        var fd = Posix.MustOpen(mount.At("a"), Posix.O_RDWR | Posix.O_CREAT | Posix.O_DIRECT);
        cluster.Contents.Before = (inode, _) =>
        {
            // The bytes arrive all the same: only storage knows. (Not later than the failure: a child process of another
            // test may close the descriptor once more, and that reports.)
            cluster.Contents.Put(inode, new byte[4096]);
            return new(code);
        };
        Assert.Equal(errno, Posix.Result(Posix.PWrite(fd, buffer, 4096, 0)));
        cluster.Contents.Before = null;
        Posix.Close(fd);
        var attr = (await cluster.Meta.LookupAsync(mount.Context.Self(), InodeId.Root,
            Contracts.Meta.FileName.FromText("a"), default)).Value;
        Assert.Equal(4096, attr.Length);
        Posix.Free(buffer);
    }

    private static Errno ReadDirect(string path)
    {
        var buffer = Posix.Aligned(4096);
        var fd = Posix.MustOpen(path, Posix.O_RDONLY | Posix.O_DIRECT);
        var result = Posix.Result(Posix.PRead(fd, buffer, 4096, 0));
        Posix.Close(fd);
        Posix.Free(buffer);
        return result;
    }
}
