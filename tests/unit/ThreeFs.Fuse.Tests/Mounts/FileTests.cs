using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Mounts;

/// <summary>What programs do with files, on a real mount; the same for every file system behind it.</summary>
public abstract class FileTests
{
    private protected abstract Task<MountFixture> MountAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(1 << 20)]
    [InlineData(3_000_001)]
    public async Task A_file_written_is_read_back(int length)
    {
        await using var mount = await MountAsync();
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        await File.WriteAllBytesAsync(mount.At("a"), bytes);
        Assert.Equal(length, new FileInfo(mount.At("a")).Length);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(mount.At("a")));
    }

    [Fact]
    public async Task Direct_requests_of_1_MiB_carry_their_bytes()
    {
        await using var mount = await MountAsync();
        const int size = 1 << 20;
        var buffer = Posix.Aligned(size);
        var fd = Posix.MustOpen(mount.At("big"), Posix.O_RDWR | Posix.O_CREAT | Posix.O_DIRECT);
        for (var i = 0; i < 4; i++)
        {
            Fill(buffer, size, i + 1);
            Assert.Equal(size, Posix.PWrite(fd, buffer, size, (long)i * size));
        }

        for (var i = 3; i >= 0; i--)
        {
            Assert.Equal(size, Posix.PRead(fd, buffer, size, (long)i * size));
            AssertFilled(buffer, size, i + 1);
        }

        Assert.Equal(0, Posix.PRead(fd, buffer, size, 4L * size));
        Posix.Close(fd);
        Posix.Free(buffer);
    }

    [Fact]
    public async Task A_file_cut_and_extended_reads_zeros_behind_the_cut()
    {
        await using var mount = await MountAsync();
        await File.WriteAllBytesAsync(mount.At("a"), Enumerable.Repeat((byte)7, 10_000).ToArray());
        var fd = Posix.MustOpen(mount.At("a"), Posix.O_RDWR);
        Assert.Equal(0, Posix.FTruncate(fd, 5_000));
        Assert.Equal(5_000, new FileInfo(mount.At("a")).Length);
        Assert.Equal(0, Posix.FTruncate(fd, 200_000));
        Posix.Close(fd);
        var read = await File.ReadAllBytesAsync(mount.At("a"));
        Assert.Equal(200_000, read.Length);
        Assert.All(read.Take(5_000), b => Assert.Equal(7, b));
        Assert.True(read.AsSpan(5_000).IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public async Task Opening_with_truncation_empties_the_file()
    {
        await using var mount = await MountAsync();
        await File.WriteAllTextAsync(mount.At("a"), "long content");
        await File.WriteAllTextAsync(mount.At("a"), "new");
        Assert.Equal("new", await File.ReadAllTextAsync(mount.At("a")));
    }

    [Fact]
    public async Task A_removed_file_stays_usable_until_it_is_closed()
    {
        await using var mount = await MountAsync();
        await File.WriteAllTextAsync(mount.At("a"), "before");
        var buffer = Posix.Aligned(4096);
        var reader = Posix.MustOpen(mount.At("a"), Posix.O_RDONLY);
        var writer = Posix.MustOpen(mount.At("a"), Posix.O_RDWR);
        Assert.Equal(0, Posix.Unlink(mount.At("a")));
        Assert.False(File.Exists(mount.At("a")));
        Fill(buffer, 4096, 3);
        Assert.Equal(4096, Posix.PWrite(writer, buffer, 4096, 100));
        Assert.Equal(0, Posix.FSync(writer));
        Assert.Equal(4096, Posix.PRead(reader, buffer, 4096, 100));
        AssertFilled(buffer, 4096, 3);
        Assert.Equal(4196, Posix.LSeek(reader, 0, 2));
        Posix.Close(writer);
        Posix.Close(reader);
        Posix.Free(buffer);
    }

    [Fact]
    public async Task Parallel_appends_lose_nothing()
    {
        await using var mount = await MountAsync();
        const int threads = 4, lines = 100, size = 104;
        await Task.WhenAll(Enumerable.Range(0, threads).Select(t => Task.Factory.StartNew(
            () =>
            {
                var buffer = Posix.Aligned(4096);
                var fd = Posix.MustOpen(mount.At("log"), Posix.O_WRONLY | Posix.O_CREAT | Posix.O_APPEND);
                for (var i = 0; i < lines; i++)
                {
                    Fill(buffer, size, t * lines + i);
                    Assert.Equal(size, Posix.Write(fd, buffer, size));
                }

                Posix.Close(fd);
                Posix.Free(buffer);
            },
            TaskCreationOptions.LongRunning)));
        var written = await File.ReadAllBytesAsync(mount.At("log"));
        Assert.Equal(threads * lines * size, written.Length);
        var records = written.Chunk(size).Select(Convert.ToHexString).ToHashSet();
        Assert.Equal(threads * lines, records.Count);
    }

    [Fact]
    public async Task Direct_writers_side_by_side_do_not_disturb_each_other()
    {
        await using var mount = await MountAsync();
        const int threads = 8, blocks = 40, size = 8192;
        Posix.Close(Posix.MustOpen(mount.At("shared"), Posix.O_RDWR | Posix.O_CREAT));
        await Task.WhenAll(Enumerable.Range(0, threads).Select(t => Task.Factory.StartNew(
            () =>
            {
                var buffer = Posix.Aligned(size);
                var fd = Posix.MustOpen(mount.At("shared"), Posix.O_RDWR | Posix.O_DIRECT);
                for (var i = 0; i < blocks; i++)
                {
                    Fill(buffer, size, t * 1000 + i);
                    Assert.Equal(size, Posix.PWrite(fd, buffer, size, (long)(i * threads + t) * size));
                }

                Posix.Close(fd);
                Posix.Free(buffer);
            },
            TaskCreationOptions.LongRunning)));
        var read = Posix.Aligned(size);
        var all = Posix.MustOpen(mount.At("shared"), Posix.O_RDONLY);
        for (var i = 0; i < blocks * threads; i++)
        {
            Assert.Equal(size, Posix.PRead(all, read, size, (long)i * size));
            AssertFilled(read, size, i % threads * 1000 + i / threads);
        }

        Posix.Close(all);
        Posix.Free(read);
    }

    [Fact]
    public async Task Times_set_before_close_survive_it()
    {
        await using var mount = await MountAsync();
        var when = new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc);
        await using (var file = new FileStream(mount.At("a"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite,
            0))
        {
            file.Write("content"u8);
            File.SetLastWriteTimeUtc(file.SafeFileHandle, when);
        }

        Assert.Equal(when, File.GetLastWriteTimeUtc(mount.At("a")));
        Assert.Equal(7, new FileInfo(mount.At("a")).Length);
    }

    [Fact]
    public async Task A_write_moves_the_modify_time_at_once()
    {
        await using var mount = await MountAsync();
        await File.WriteAllTextAsync(mount.At("a"), "x");
        File.SetLastWriteTimeUtc(mount.At("a"), DateTime.UnixEpoch);
        await using var file = new FileStream(mount.At("a"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
        file.Write("content"u8);
        Assert.True(File.GetLastWriteTimeUtc(mount.At("a")) > DateTime.UnixEpoch.AddYears(30));
        Assert.Equal(7, new FileInfo(mount.At("a")).Length);
    }

    [Fact]
    public async Task Space_can_be_allocated_and_data_found()
    {
        await using var mount = await MountAsync();
        var fd = Posix.MustOpen(mount.At("a"), Posix.O_RDWR | Posix.O_CREAT);
        Assert.Equal(0, Posix.FAllocate(fd, 0, 0, 100_000));
        Assert.Equal(100_000, new FileInfo(mount.At("a")).Length);
        Assert.Equal(0, Posix.FAllocate(fd, 0, 0, 10));
        Assert.Equal(100_000, new FileInfo(mount.At("a")).Length);
        Assert.Equal(0, Posix.FAllocate(fd, Posix.FALLOC_KEEP_SIZE, 0, 200_000));
        Assert.Equal(100_000, new FileInfo(mount.At("a")).Length);
        Assert.Equal(Errno.EOPNOTSUPP, Posix.Result(Posix.FAllocate(fd, Posix.FALLOC_COLLAPSE_RANGE, 0, 4096)));
        Assert.Equal(50, Posix.LSeek(fd, 50, Posix.SEEK_DATA));
        Assert.Equal(100_000, Posix.LSeek(fd, 50, Posix.SEEK_HOLE));
        Assert.Equal(Errno.ENXIO, Posix.Result(Posix.LSeek(fd, 100_000, Posix.SEEK_DATA)));
        Posix.Close(fd);
    }

    [Theory]
    [InlineData(Posix.FALLOC_PUNCH_HOLE | Posix.FALLOC_KEEP_SIZE, 10_000, 20_000, 100_000)]
    [InlineData(Posix.FALLOC_PUNCH_HOLE | Posix.FALLOC_KEEP_SIZE, 99_999, 50_000, 100_000)]
    [InlineData(Posix.FALLOC_PUNCH_HOLE | Posix.FALLOC_KEEP_SIZE, 100_000, 4096, 100_000)]
    [InlineData(Posix.FALLOC_ZERO_RANGE, 65_000, 70_000, 135_000)]
    [InlineData(Posix.FALLOC_ZERO_RANGE, 1, 2, 100_000)]
    [InlineData(Posix.FALLOC_ZERO_RANGE | Posix.FALLOC_KEEP_SIZE, 0, 200_000, 100_000)]
    public async Task A_cleared_range_reads_as_zeros_and_nothing_else_changes(
        int mode, int offset, int length, int lengthAfter)
    {
        await using var mount = await MountAsync();
        var expected = new byte[lengthAfter];
        expected.AsSpan(0, 100_000).Fill(7);
        await File.WriteAllBytesAsync(mount.At("a"), expected[..100_000]);
        expected.AsSpan(offset, Math.Max(0, Math.Min(length, lengthAfter - offset))).Clear();
        File.SetLastWriteTimeUtc(mount.At("a"), DateTime.UnixEpoch);
        var fd = Posix.MustOpen(mount.At("a"), Posix.O_RDWR);
        Assert.Equal(0, Posix.FAllocate(fd, mode, offset, length));
        Posix.Close(fd);
        Assert.Equal(expected, await File.ReadAllBytesAsync(mount.At("a")));
        if (offset < 100_000) Assert.True(File.GetLastWriteTimeUtc(mount.At("a")) > DateTime.UnixEpoch.AddYears(30));
    }

    [Theory]
    [InlineData(11UL)]
    [InlineData(12UL)]
    public async Task Random_operations_agree_with_a_model(ulong seed)
    {
        await using var mount = await MountAsync();
        new FileExerciser(mount.At("exercised"), seed).Run(operations: 500);
    }

    [Fact]
    public async Task Git_works()
    {
        await using var mount = await MountAsync();
        await Command.ShellAsync(
            $"cd {mount.Root} && git init -q repo && cd repo && git config user.email a@b && git config user.name n"
            + " && mkdir -p d/e && seq 1000 > d/e/f && ln -s e d/link && git add -A && git commit -qm one"
            + " && seq 2000 > d/e/f && git commit -qam two && git gc -q"
            + " && git fsck --strict && git clone -q . ../copy && diff -r d ../copy/d");
    }

    [Fact]
    public async Task Sqlite_works()
    {
        await using var mount = await MountAsync();
        await Command.ShellAsync(
            $"cd {mount.Root} && sqlite3 db 'pragma journal_mode=wal; create table t(a,b);"
            + " with recursive c(x) as (select 1 union all"
            + " select x+1 from c where x<20000) insert into t select x, hex(randomblob(20)) from c;"
            + " delete from t where a%3=0; vacuum;"
            + " pragma journal_mode=delete; insert into t select * from t limit 100;'"
            + " && test \"$(sqlite3 db 'pragma integrity_check')\" = ok");
    }

    internal static unsafe void Fill(nint memory, int size, int seed)
    {
        var words = new Span<uint>((void*)memory, size / 4);
        var value = (uint)seed * 2654435761 + 1;
        for (var i = 0; i < words.Length; i++) words[i] = value += 0x9E3779B9;
    }

    internal static unsafe void AssertFilled(nint memory, int size, int seed)
    {
        var words = new Span<uint>((void*)memory, size / 4);
        var value = (uint)seed * 2654435761 + 1;
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] != (value += 0x9E3779B9)) Assert.Fail($"byte {i * 4} of block {seed} is wrong");
        }
    }
}
