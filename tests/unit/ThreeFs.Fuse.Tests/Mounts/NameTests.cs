using System.Text;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Mounts;

/// <summary>
/// What programs do with names and attributes, on a real mount; the same for every file system behind it.
/// </summary>
public abstract class NameTests
{
    private protected abstract Task<MountFixture> MountAsync();

    [Fact]
    public async Task Directories_count_their_children_and_are_removed_empty_only()
    {
        await using var mount = await MountAsync();
        Assert.Equal(0, Posix.MkDir(mount.At("d"), 0x1ED));
        Assert.Equal(0, Posix.MkDir(mount.At("d", "e"), 0x1ED));
        Assert.Equal("3", await StatAsync(mount.At("d"), "%h"));
        Assert.Equal(Errno.EEXIST, Posix.Result(Posix.MkDir(mount.At("d"), 0x1ED)));
        Assert.Equal(Errno.ENOTEMPTY, Posix.Result(Posix.RmDir(mount.At("d"))));
        Assert.Equal(0, Posix.RmDir(mount.At("d", "e")));
        Assert.Equal(0, Posix.RmDir(mount.At("d")));
        Assert.Equal(Errno.ENOENT, Posix.Result(Posix.RmDir(mount.At("d"))));
        await File.WriteAllTextAsync(mount.At("f"), "");
        Assert.Equal(Errno.ENOTDIR, Posix.Result(Posix.RmDir(mount.At("f"))));
        Assert.Equal(Errno.ENAMETOOLONG, Posix.Result(Posix.MkDir(mount.At(new string('n', 256)), 0x1ED)));
        Assert.Equal(0, Posix.MkDir(mount.At(new string('n', 255)), 0x1ED));
    }

    [Fact]
    public async Task A_removed_directory_that_somebody_is_in_is_still_one()
    {
        await using var mount = await MountAsync();
        await Command.ShellAsync(
            $"mkdir {mount.At("d")} {mount.At("e")} && cd {mount.At("d")} && rmdir ../d && ! touch x 2> /dev/null"
            + " && test \"$(stat -c '%h %F' .)\" = '0 directory'"
            + " && cd ../e && mkdir ../f && mv -T ../f ../e && test \"$(stat -c '%h %F' .)\" = '0 directory'");
    }

    [Fact]
    public async Task Rename_follows_the_rules_for_every_pair()
    {
        await using var mount = await MountAsync();
        foreach (var d in new[] { "empty", "full", "full/sub", "moved" }) Posix.MkDir(mount.At(d), 0x1ED);
        foreach (var f in new[] { "a", "b", "full/c" }) await File.WriteAllTextAsync(mount.At(f), f);
        Posix.Link(mount.At("a"), mount.At("a2"));

        Assert.Equal(Errno.EISDIR, Rename("a", "empty"));
        Assert.Equal(Errno.ENOTDIR, Rename("empty", "a"));
        Assert.Equal(Errno.ENOTEMPTY, Rename("moved", "full"));
        Assert.Equal(Errno.EINVAL, Rename("full", "full/sub/x"));
        Assert.Equal(Errno.ENOENT, Rename("none", "x"));
        Assert.Equal(Errno.EEXIST, Rename("a", "b", Posix.RENAME_NOREPLACE));
        Assert.Equal(Errno.ENOENT, Rename("a", "x", Posix.RENAME_EXCHANGE));
        Assert.Equal(Errno.Ok, Rename("a", "a2"));
        Assert.True(File.Exists(mount.At("a")) && File.Exists(mount.At("a2")));
        Assert.Equal(Errno.Ok, Rename("a", "b"));
        Assert.Equal("a", await File.ReadAllTextAsync(mount.At("b")));
        Assert.Equal(Errno.Ok, Rename("full", "empty"));
        Assert.Equal("full/c", await File.ReadAllTextAsync(mount.At("empty", "c")));
        Assert.Equal(Errno.Ok, Rename("empty", "b", Posix.RENAME_EXCHANGE));
        Assert.Equal("full/c", await File.ReadAllTextAsync(mount.At("b", "c")));
        Assert.Equal("a", await File.ReadAllTextAsync(mount.At("empty")));
        Assert.Equal(Errno.Ok, Rename("b/sub", "moved/sub", Posix.RENAME_NOREPLACE));
        Assert.Equal("3", await StatAsync(mount.At("moved"), "%h"));
        Assert.Equal("2", await StatAsync(mount.At("b"), "%h"));
        return;

        Errno Rename(string from, string to, uint flags = 0) =>
            Posix.Result(flags == 0 ? Posix.Rename(mount.At(from), mount.At(to)) : Posix.Rename(mount.At(from),
                mount.At(to), flags));
    }

    [Fact]
    public async Task Links_share_one_inode()
    {
        await using var mount = await MountAsync();
        await File.WriteAllTextAsync(mount.At("a"), "one");
        Assert.Equal(0, Posix.Link(mount.At("a"), mount.At("b")));
        Assert.Equal(await StatAsync(mount.At("a"), "%i %h"), await StatAsync(mount.At("b"), "%i %h"));
        Assert.Equal("2", await StatAsync(mount.At("a"), "%h"));
        Assert.Equal(0, Posix.Unlink(mount.At("a")));
        Assert.Equal("1", await StatAsync(mount.At("b"), "%h"));
        Assert.Equal("one", await File.ReadAllTextAsync(mount.At("b")));
        File.CreateSymbolicLink(mount.At("s"), "b");
        Assert.Equal("b", new FileInfo(mount.At("s")).LinkTarget);
        Assert.Equal("one", await File.ReadAllTextAsync(mount.At("s")));
        await Command.ShellAsync($"cd {mount.Root} && mkfifo p && mknod n c 1 3 && test -p p && test -c n && test \"$(stat -c %t,%T n)\" = 1,3");
    }

    [Fact]
    public async Task A_long_listing_is_whole_while_names_come_and_go()
    {
        await using var mount = await MountAsync();
        const int count = 10_000;
        Posix.MkDir(mount.At("d"), 0x1ED);
        for (var i = 0; i < count; i++)
            Posix.Close(Posix.MustOpen(mount.At("d", $"stays{i:00000}"), Posix.O_WRONLY | Posix.O_CREAT));
        var seen = new List<string>();
        var changes = 0;
        foreach (var path in Directory.EnumerateFileSystemEntries(mount.At("d")))
        {
            seen.Add(Path.GetFileName(path));
            if (seen.Count % 50 != 0) continue;
            Posix.Close(Posix.MustOpen(mount.At("d", $"comes{++changes:00000}"), Posix.O_WRONLY | Posix.O_CREAT));
            if (changes % 2 == 0) Posix.Unlink(mount.At("d", $"comes{changes - 1:00000}"));
        }

        var left = count + changes - changes / 2;
        Assert.Equal(seen.Count, seen.Distinct().Count());
        Assert.Equal(count, seen.Count(n => n.StartsWith("stays", StringComparison.Ordinal)));
        Assert.Equal(left, Directory.GetFileSystemEntries(mount.At("d")).Length);
        Assert.Equal($"{left}\n", await Command.ShellAsync($"ls -l {mount.At("d")} | grep -c ^-"));
    }

    [Fact]
    public async Task A_name_removed_and_made_again_during_a_listing_is_the_new_file()
    {
        await using var mount = await MountAsync();
        for (var i = 0; i < 400; i++) await File.WriteAllTextAsync(mount.At($"f{i:000}"), "old");
        foreach (var path in Directory.EnumerateFiles(mount.Root))
        {
            var last = mount.At("f399");
            Posix.Unlink(last);
            await File.WriteAllTextAsync(last, path);
            Assert.Equal(path, await File.ReadAllTextAsync(last));
        }
    }

    [Fact]
    public async Task Modes_owners_and_attributes_are_kept()
    {
        await using var mount = await MountAsync();
        await File.WriteAllTextAsync(mount.At("a"), "x");
        await Command.ShellAsync($"chmod 4750 {mount.At("a")} && chown 12:34 {mount.At("a")}");
        Assert.Equal("12 34 750", await StatAsync(mount.At("a"), "%u %g %a"));
        Assert.Equal(0, Posix.SetXattr(mount.At("a"), "user.k", "value", 5, 0));
        Assert.Equal(Errno.EEXIST, Posix.Result(Posix.SetXattr(mount.At("a"), "user.k", "value", 5, 1)));
        Assert.Equal(Errno.ENODATA, Posix.Result(Posix.SetXattr(mount.At("a"), "user.none", "value", 5, 2)));
        Assert.Equal("value", Xattr(mount.At("a"), "user.k", 64));
        Assert.Equal("ERANGE", Xattr(mount.At("a"), "user.k", 2));
        Assert.Equal("ENODATA", Xattr(mount.At("a"), "user.none", 64));
        Assert.Equal("user.k", XattrNames(mount.At("a")));
        Assert.Equal(0, Posix.RemoveXattr(mount.At("a"), "user.k"));
        Assert.Equal("ENODATA", Xattr(mount.At("a"), "user.k", 64));
        Assert.Equal("", XattrNames(mount.At("a")));
        Assert.True(new DriveInfo(mount.Root).TotalSize > 1L << 30);
    }

    [Fact]
    public async Task Other_users_get_what_permissions_allow()
    {
        await using var mount = await MountAsync();
        await Command.ShellAsync(
            $"cd {mount.Root} && chmod 755 . {Path.GetDirectoryName(mount.Root)}; echo s > secret && chmod 600 secret && echo o > open && chmod 644 open"
            + " && echo g > group && chgrp 4242 group && chmod 640 group && mkdir -m 1777 tmp && touch tmp/mine");
        const string nobody = "setpriv --reuid=65534 --regid=65534";
        Assert.NotEqual(0, (await Command.TryShellAsync($"{nobody} --clear-groups cat {mount.At("secret")}")).Code);
        Assert.Equal("o\n", await Command.ShellAsync($"{nobody} --clear-groups cat {mount.At("open")}"));
        Assert.NotEqual(0,
            (await Command.TryShellAsync($"{nobody} --clear-groups sh -c 'echo x >> {mount.At("open")}'")).Code);
        Assert.NotEqual(0, (await Command.TryShellAsync($"{nobody} --clear-groups cat {mount.At("group")}")).Code);
        Assert.Equal("g\n", await Command.ShellAsync($"{nobody} --groups=4242 cat {mount.At("group")}"));
        Assert.NotEqual(0, (await Command.TryShellAsync($"{nobody} --clear-groups touch {mount.At("new")}")).Code);
        await Command.ShellAsync($"{nobody} --clear-groups sh -c 'cd {mount.At("tmp")} && echo y > yours && mkdir d && mv yours d/'");
        Assert.Equal("65534 65534", await StatAsync(mount.At("tmp", "d", "yours"), "%u %g"));
        Assert.NotEqual(0,
            (await Command.TryShellAsync($"{nobody} --clear-groups rm -f {mount.At("tmp", "mine")}")).Code);
    }

    [Fact]
    public async Task A_write_takes_set_user_id_away()
    {
        await using var mount = await MountAsync();
        await Command.ShellAsync(
            $"chmod 755 {mount.Root} {Path.GetDirectoryName(mount.Root)}; cd {mount.Root} && echo x > a && chmod 6777 a");
        await Command.ShellAsync($"setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'echo y >> {mount.At("a")}'");
        Assert.Equal("777", await StatAsync(mount.At("a"), "%a"));
    }

    [Fact]
    public async Task Copies_of_a_tree_are_the_same()
    {
        await using var mount = await MountAsync();
        var home = Path.GetDirectoryName(mount.Root);
        await Command.ShellAsync(
            $"cd {mount.Root} && mkdir src && cd src && for i in $(seq 40); do mkdir -p d$i/e; seq $((i*50)) > d$i/e/f; ln d$i/e/f d$i/hard;"
            + " ln -s e/f d$i/soft; done; cd .. && cp -a src dst && diff -r src dst"
            + $" && (cd src && find . -type f -printf '%p %m %s %T@ %n %l\\n' | sort) > {home}/a"
            + $" && (cd dst && find . -type f -printf '%p %m %s %T@ %n %l\\n' | sort) > {home}/b && diff {home}/a {home}/b && rm -r src dst");
    }

    private static async Task<string> StatAsync(string path, string format) =>
        (await Command.ShellAsync($"stat -c '{format}' {path}")).Trim();

    private static unsafe string Xattr(string path, string name, int size)
    {
        var value = new byte[size];
        fixed (byte* p = value)
        {
            var length = Posix.GetXattr(path, name, p, size);
            return length < 0 ? Posix.Error.ToString() : Encoding.UTF8.GetString(value, 0, (int)length);
        }
    }

    private static unsafe string XattrNames(string path)
    {
        var list = new byte[256];
        fixed (byte* p = list)
        {
            var length = Posix.ListXattr(path, p, list.Length);
            return length < 0 ? Posix.Error.ToString() : Encoding.UTF8.GetString(list, 0, (int)length).TrimEnd('\0');
        }
    }
}
