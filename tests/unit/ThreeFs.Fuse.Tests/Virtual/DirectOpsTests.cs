using System.Buffers.Binary;
using System.Text;
using ThreeFs.Fuse.Cluster;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Virtual;

/// <summary>
/// Changes that programs for 3FS ask the mount for: by links in the virtual tree and by ioctls. The kernel remembers names
/// for a minute here, so what it shows is what it was told.
/// </summary>
public sealed class DirectOpsTests
{
    private const uint RecursiveRemove = 0x8004680A, HardLink = 0x4108680C, PunchHole = 0x7E90680D, Move = 0x4218680E,
        Remove = 0x4110680F;

    private static readonly ClusterOptions _lasting = new()
    {
        AttrTimeout = TimeSpan.FromMinutes(1), EntryTimeout = TimeSpan.FromMinutes(1), NegativeTimeout = TimeSpan.FromMinutes(1),
    };

    [Fact]
    public async Task A_link_in_rm_rf_removes_what_it_names_and_nothing_else()
    {
        await using var mount = await MountAsync();
        MakeTree(mount, "top", "victim");
        MakeTree(mount, "top", "kept");
        Assert.True(File.Exists(mount.At("top", "victim", "below", "file")));
        Assert.Equal(Errno.Ok, RemoveByLink(mount, mount.At("top", "victim")));
        Assert.False(Directory.Exists(mount.At("top", "victim")));
        Assert.True(File.Exists(mount.At("top", "kept", "below", "file")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(mount.At("3fs-virt", "rm-rf")));

        Assert.Equal(Errno.Ok, RemoveByLink(mount, mount.At("top", "kept", "below", "file") + "/"));
        Assert.False(File.Exists(mount.At("top", "kept", "below", "file")));
        Assert.Equal(Errno.ENOENT, RemoveByLink(mount, mount.At("top", "victim")));
        Assert.Equal(Errno.EINVAL, RemoveByLink(mount, mount.Mount.Root));
        Assert.Equal(Errno.EINVAL, RemoveByLink(mount, mount.At("top", "..", "top")));
        Assert.Equal(Errno.EINVAL, RemoveByLink(mount, mount.Mount.Root + "x/top"));
        Assert.Equal(Errno.EINVAL, RemoveByLink(mount, "/etc/hosts"));
        Assert.Equal(Errno.EINVAL, RemoveByLink(mount, "top"));
        Assert.True(Directory.Exists(mount.At("top", "kept")));
    }

    /// <summary>A space too many makes of one path two, of which the first is much more than was meant.</summary>
    [Fact]
    public async Task Ln_with_a_stray_word_is_refused()
    {
        await using var mount = await MountAsync();
        MakeTree(mount, "dir");
        var link = mount.At("3fs-virt", "rm-rf", "x");
        var refused = await Command.TryShellAsync($"ln -s {mount.At("dir")} below {mount.At("3fs-virt", "rm-rf")}");
        Assert.NotEqual(0, refused.Code);
        Assert.True(Directory.Exists(mount.At("dir")));
        await Command.ShellAsync($"ln -s {mount.At("dir")} {link}");
        Assert.False(Directory.Exists(mount.At("dir")));
    }

    [Fact]
    public async Task Moving_into_rm_rf_removes()
    {
        await using var mount = await MountAsync();
        MakeTree(mount, "dir");
        Assert.Equal(Errno.Ok, Posix.Result(Posix.Rename(mount.At("dir"), mount.At("3fs-virt", "rm-rf", "dir"))));
        Assert.False(Directory.Exists(mount.At("dir")));
        Assert.Equal(Errno.EPERM, Posix.Result(Posix.MkDir(mount.At("3fs-virt", "rm-rf", "d"), 0x1FF)));
        Assert.Equal(
            Errno.EPERM, Posix.Result(Posix.Rename(mount.At("3fs-virt", "rm-rf"), mount.At("moved"))));
    }

    [Fact]
    public async Task A_link_that_says_mv_moves()
    {
        await using var mount = await MountAsync();
        MakeTree(mount, "from");
        Directory.CreateDirectory(mount.At("to"));
        Assert.False(Directory.Exists(mount.At("to", "new")));
        Assert.Equal(Errno.Ok, Posix.Result(Posix.Symlink("mv:" + mount.At("from", "below"), mount.At("to", "new"))));
        Assert.False(Directory.Exists(mount.At("from", "below")));
        Assert.Equal("x", await File.ReadAllTextAsync(mount.At("to", "new", "file")));

        // Within one directory, whose lock the caller holds.
        Assert.Equal(
            Errno.Ok, Posix.Result(Posix.Symlink("mv:" + mount.At("to", "new"), mount.At("to", "newer"))));
        Assert.Equal("x", await File.ReadAllTextAsync(mount.At("to", "newer", "file")));

        // What lies elsewhere is but a link.
        Assert.Equal(Errno.Ok, Posix.Result(Posix.Symlink("mv:/etc/hosts", mount.At("to", "link"))));
        Assert.Equal("mv:/etc/hosts", new FileInfo(mount.At("to", "link")).LinkTarget);
    }

    [Fact]
    public async Task Remove_and_move_work_on_the_directory_that_was_opened()
    {
        await using var mount = await MountAsync();
        MakeTree(mount, "a", "b");
        MakeTree(mount, "c");
        using var a = new Opened(mount.At("a"));
        using var root = new Opened(mount.Mount.Root);
        Assert.True(Directory.Exists(mount.At("a", "b")) && !Directory.Exists(mount.At("a", "moved")));
        Assert.Equal(Errno.ENOTEMPTY, a.Call(Remove, Place(a.Inode, "b"), new byte[8]));
        Assert.Equal(Errno.ENOENT, a.Call(Remove, Place(a.Inode, "nothing"), new byte[8]));
        Assert.Equal(Errno.EINVAL, a.Call(Remove, Place(root.Inode, "c"), [1, 0, 0, 0, 0, 0, 0, 0]));
        Assert.Equal(Errno.EINVAL, a.Call(Remove, Place(a.Inode, ".."), [1, 0, 0, 0, 0, 0, 0, 0]));
        Assert.Equal(Errno.EINVAL, a.Call(Remove, Place(a.Inode, "b/below"), [1, 0, 0, 0, 0, 0, 0, 0]));
        Assert.Equal(Errno.ENAMETOOLONG, a.Call(Remove, Place(a.Inode, new string('n', 256)), [1, 0, 0, 0, 0, 0, 0, 0]));

        // Out of the root, whose number the kernel and the cluster know differently.
        Assert.Equal(Errno.Ok, root.Call(Move, Place(root.Inode, "c"), Place(a.Inode, "moved"), new byte[8]));
        Assert.False(Directory.Exists(mount.At("c")));
        Assert.True(File.Exists(mount.At("a", "moved", "below", "file")));
        Assert.Equal(Errno.EEXIST, a.Call(Move, Place(a.Inode, "b"), Place(a.Inode, "moved"), [1, 0, 0, 0, 0, 0, 0, 0]));
        Assert.Equal(Errno.ENOTEMPTY, a.Call(Move, Place(a.Inode, "b"), Place(a.Inode, "moved"), new byte[8]));
        Assert.Equal(Errno.EPERM, a.Call(Move, Place(a.Inode, "b"), Place(ulong.MaxValue - 2, "x"), new byte[8]));

        Assert.Equal(Errno.Ok, a.Call(Remove, Place(a.Inode, "b"), [1, 0, 0, 0, 0, 0, 0, 0]));
        Assert.False(Directory.Exists(mount.At("a", "b")));
        using var moved = new Opened(mount.At("a", "moved"));
        Assert.Equal(Errno.Ok, moved.Call(RecursiveRemove, new byte[4]));
        Assert.Equal(Errno.EBUSY, root.Call(RecursiveRemove, new byte[4]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(mount.At("a")));
    }

    [Fact]
    public async Task A_file_gets_another_name()
    {
        await using var mount = await MountAsync();
        MakeTree(mount, "dir");
        using var file = new Opened(mount.At("dir", "below", "file"), Posix.O_RDONLY);
        using var root = new Opened(mount.Mount.Root);
        Assert.False(File.Exists(mount.At("linked")));
        Assert.Equal(Errno.Ok, file.Call(HardLink, Place(root.Inode, "linked")));
        Assert.Equal("x", await File.ReadAllTextAsync(mount.At("linked")));
        Assert.Equal(Errno.EEXIST, file.Call(HardLink, Place(root.Inode, "linked")));
        Assert.Equal(Errno.EISDIR, root.Call(HardLink, Place(root.Inode, "other")));
        Assert.Equal("2\n", await Command.ShellAsync($"stat -c %h {mount.At("linked")}"));
    }

    [Fact]
    public async Task Holes_are_punched_in_a_file_that_is_open_for_writing()
    {
        await using var mount = await MountAsync();
        await File.WriteAllTextAsync(mount.At("f"), new string('x', 10_000));
        Assert.Equal(new string('x', 10_000), await File.ReadAllTextAsync(mount.At("f")));
        using var file = new Opened(mount.At("f"), Posix.O_RDWR);
        using var reading = new Opened(mount.At("f"), Posix.O_RDONLY);
        using var root = new Opened(mount.Mount.Root);
        Assert.Equal(Errno.EBADF, reading.Call(PunchHole, Ranges((0, 1))));
        Assert.Equal(Errno.EISDIR, root.Call(PunchHole, Ranges((0, 1))));
        Assert.Equal(Errno.EINVAL, file.Call(PunchHole, Ranges((2, 1))));
        Assert.Equal(Errno.EINVAL, file.Call(PunchHole, [0xE9, 3, .. new byte[16014]]));
        Assert.Equal(Errno.EINVAL, file.Call(PunchHole, [0xFF, 0xFF, 0xFF, 0xFF, .. new byte[16012]]));
        Assert.Equal(Errno.Ok, file.Call(PunchHole, Ranges((100, 5000), (9000, 20_000))));
        var expected = new string('x', 100) + new string('\0', 4900) + new string('x', 4000) + new string('\0', 1000);
        Assert.Equal(expected, await File.ReadAllTextAsync(mount.At("f")));
    }

    [Fact]
    public async Task Other_users_have_their_rights_and_no_more()
    {
        await using var mount = await MountAsync(new FuseSessionOptions());
        MakeTree(mount, "roots");
        Directory.CreateDirectory(mount.At("theirs"));
        await Command.ShellAsync($"chmod 755 {mount.Mount.Root}/..; chmod 777 {mount.At("theirs")}");
        var link = mount.At("3fs-virt", "rm-rf", "x");
        Assert.NotEqual(0, (await AsNobodyAsync($"ln -s {mount.At("roots")} {link}")).Code);
        Assert.NotEqual(0, (await AsNobodyAsync($"ln -s {mount.At("roots", "below")} {link}")).Code);
        Assert.NotEqual(0, (await AsNobodyAsync($"ln -s mv:{mount.At("roots", "below")} {mount.At("theirs", "b")}")).Code);
        var own = await AsNobodyAsync(
            $"mkdir -p {mount.At("theirs", "a", "b")} && ln -s {mount.At("theirs", "a")} {link} && ls {mount.At("theirs")}");
        Assert.Equal((0, ""), own);
        Assert.True(File.Exists(mount.At("roots", "below", "file")));
    }

    private static async Task<ClusterMount> MountAsync(FuseSessionOptions? session = null) =>
        (await ClusterFixture.CreateAsync()).MountWithVirtualTree(_lasting, session);

    private static void MakeTree(ClusterMount mount, params string[] path)
    {
        Directory.CreateDirectory(mount.At([.. path, "below"]));
        File.WriteAllText(mount.At([.. path, "below", "file"]), "x");
    }

    private static Errno RemoveByLink(ClusterMount mount, string target) =>
        Posix.Result(Posix.Symlink(target, mount.At("3fs-virt", "rm-rf", "any")));

    private static Task<(int Code, string Output)> AsNobodyAsync(string script) =>
        Command.TryShellAsync($"exec setpriv --reuid=65534 --regid=65534 --clear-groups sh -c '{script}'");

    private static byte[] Place(ulong inode, string name)
    {
        var place = new byte[264];
        BinaryPrimitives.WriteUInt64LittleEndian(place, inode);
        Encoding.UTF8.GetBytes(name, place.AsSpan(8));
        return place;
    }

    private static byte[] Ranges(params (ulong Start, ulong End)[] ranges)
    {
        var argument = new byte[16016];
        argument[0] = (byte)ranges.Length;
        for (var i = 0; i < ranges.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(argument.AsSpan(16 + 8 * i), ranges[i].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(argument.AsSpan(8016 + 8 * i), ranges[i].End);
        }

        return argument;
    }

    /// <summary>A descriptor for ioctls.</summary>
    private sealed class Opened(string path, int flags = 0x10000) : IDisposable
    {
        private readonly int _fd = Posix.MustOpen(path, flags);

        public ulong Inode { get; } = ulong.Parse(
            Command.ShellAsync($"stat -c %i {path}").GetAwaiter().GetResult(), null);

        public Errno Call(uint command, params byte[][] parts)
        {
            var argument = parts.SelectMany(p => p).ToArray();
            return Posix.IoControl(_fd, command, argument);
        }

        public void Dispose() => Posix.Close(_fd);
    }
}
