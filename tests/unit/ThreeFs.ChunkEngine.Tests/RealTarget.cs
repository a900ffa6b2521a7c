using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Io;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Server.BlockDevice;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>A target in a temporary directory on a reactor of its own. Everything that touches the store runs through <see cref="Run"/>.</summary>
internal sealed class RealTarget : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("threefs-engine-").FullName;
    private readonly Reactor _reactor = Reactor.Start("engine-test").Value;
    private int _copies;

    public RealTarget(ChunkStoreOptions? options = null)
    {
        Options = options ?? new ChunkStoreOptions();
        Path = System.IO.Path.Combine(_root, "target");
        Store = Run(() => TargetDirectory.CreateAsync(_reactor, Path, Rig.Identity, Options)).Value;
    }

    public ChunkStoreOptions Options { get; set; }

    public string Path { get; private set; }

    public ChunkStore Store { get; private set; }

    public BufferPool Pool { get; } = new(1L << 30);

    public T Run<T>(Func<ValueTask<T>> work) => _reactor.InvokeAsync(work).GetAwaiter().GetResult();

    public void Close() => _reactor.InvokeAsync(() => Store.DisposeAsync()).GetAwaiter().GetResult();

    public Result<ChunkStore> TryOpen() => Run(() => TargetDirectory.OpenAsync(_reactor, Path, Options));

    public void Open() => Store = TryOpen().Value;

    /// <summary>
    /// Goes on with a copy of the files as they are now: what a process finds that starts after this one was killed.
    /// </summary>
    public void Kill()
    {
        var copy = System.IO.Path.Combine(_root, $"copy-{++_copies}");
        foreach (var file in Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories))
        {
            var to = System.IO.Path.Combine(copy, System.IO.Path.GetRelativePath(Path, file));
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        Close();
        Path = copy;
        Open();
    }

    public UpdateResult Prepare(ChunkId chunk, UpdateKind kind, uint offset, byte[] payload, uint length, ulong sequence)
    {
        var lease = Pool.TryRent(Math.Max(1, payload.Length))!;
        payload.CopyTo(lease.Memory.Span);
        var update = new ChunkUpdate(
            chunk, kind, offset, length, 4 << 20, Crc32C.Compute(payload),
            new UpdateTag(default, new ChannelId(1), sequence), default, new ChainVersion(1));
        var result = Run(() => Store.PrepareAsync(update, lease.Memory.Slice(0, payload.Length)));
        lease.Dispose();
        return result;
    }

    public UpdateResult Commit(ChunkId chunk, UpdateVersion version) =>
        Run(() => Store.CommitAsync(chunk, version, new ChainVersion(1)));

    public (ReadResult Result, byte[] Bytes) Read(ChunkId chunk, uint offset, uint length)
    {
        var lease = Pool.TryRent((int)length)!;
        var result = Run(() => Store.ReadAsync(chunk, offset, length, lease.Memory.Slice(0, (int)length)));
        var bytes = lease.Memory.Span[..(int)length].ToArray();
        lease.Dispose();
        return (result, bytes);
    }

    public void Dispose()
    {
        Close();
        _reactor.Dispose();
        Pool.Dispose();
        Directory.Delete(_root, recursive: true);
    }
}
