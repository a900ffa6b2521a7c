using System.Text;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Rings;
using ThreeFs.Fuse.Tests.Support;
using ThreeFs.UsrbIo;

namespace ThreeFs.Fuse.Tests.Rings;

/// <summary>Memory of applications as the mount has it mapped, while they cut it.</summary>
[Collection(nameof(SharedArena))]
public sealed class SharedBufferTests
{
    private const int Page = 4096;

    [Fact]
    public unsafe void Memory_that_was_cut_reads_as_zeros_and_takes_writes()
    {
        Assert.True(SharedArena.Instance.IsGuarded, "faults of shared memory are guarded on this machine");
        using var file = new SharedMemoryFile(64 * Page);
        using var other = new SharedMemoryFile(64 * Page);
        var buffer = file.Open();
        var neighbour = other.Open();
        new Span<byte>(buffer.Address, 64 * Page).Fill(7);
        new Span<byte>(neighbour.Address, 64 * Page).Fill(8);
        file.Cut(10 * Page);

        var memory = new ReadOnlySpan<byte>(buffer.Address, 64 * Page);
        Assert.True(memory[..(10 * Page)].IndexOfAnyExcept((byte)7) < 0);
        Assert.True(memory[(10 * Page)..].IndexOfAnyExcept((byte)0) < 0);
        file.Cut(0);
        new Span<byte>(buffer.Address, 64 * Page).Fill(9);
        Assert.True(memory.IndexOfAnyExcept((byte)9) < 0);
        Assert.True(new ReadOnlySpan<byte>(neighbour.Address, 64 * Page).IndexOfAnyExcept((byte)8) < 0);
        buffer.Release();
        neighbour.Release();
    }

    [Fact]
    public void Many_threads_may_meet_memory_that_is_being_cut()
    {
        using var file = new SharedMemoryFile(256 * Page);
        var buffer = file.Open();
        Parallel.For(0, 8, thread =>
        {
            for (var round = 0; round < 50; round++)
            {
                if (thread == 0) file.Cut((round % 3) * 64 * Page);
                else Touch(buffer, thread);
            }
        });
        buffer.Release();
    }

    private static unsafe void Touch(SharedBuffer buffer, int thread)
    {
        for (var at = thread; at < 256 * Page; at += Page) buffer.Address[at]++;
    }

    [Fact]
    public void Places_are_used_again()
    {
        using var file = new SharedMemoryFile(3 * Page + 1);
        var first = file.Open();
        var second = file.Open();
        var third = file.Open();
        var (a, b) = (AddressOf(first), AddressOf(second));
        Assert.NotEqual(a, b);
        second.Release();
        first.Release();
        var again = file.Open();
        var both = file.Open();
        Assert.Equal((a, b), (AddressOf(again), AddressOf(both)));
        foreach (var buffer in new[] { again, both, third }) buffer.Release();
    }

    private static unsafe nint AddressOf(SharedBuffer buffer) => (nint)buffer.Address;
}

/// <summary>A file in /dev/shm, as an application makes it.</summary>
internal sealed class SharedMemoryFile : IDisposable
{
    private readonly FileStream _file;

    public SharedMemoryFile(long size)
    {
        Path = $"/dev/shm/threefs-test-{Guid.NewGuid()}";
        _file = new FileStream(Path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, BufferSize = 0,
        });
        _file.SetLength(size);
        Assert.Equal(Errno.Ok, Posix.Result(Posix.ChangeMode(Path, 0x1B6)));
    }

    public string Path { get; }

    public SharedBuffer Open(string decoration = "", uint owner = 0)
    {
        Assert.True(RegistryKey.TryParse(Encoding.ASCII.GetBytes($"{Guid.NewGuid()}{decoration}"), out var key));
        Assert.Equal(Errno.Ok, SharedBuffer.Open(key, owner, 0, Encoding.UTF8.GetBytes(Path), null, out var buffer));
        return buffer!;
    }

    public void Cut(long size)
    {
        lock (_file) _file.SetLength(size);
    }

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(Path);
    }
}
