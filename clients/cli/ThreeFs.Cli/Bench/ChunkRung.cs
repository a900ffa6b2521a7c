using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Io;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Server.BlockDevice;

namespace ThreeFs.Cli.Bench;

/// <summary>A target of its own in this process: the chunk engine without network and replicas.</summary>
internal sealed class ChunkRung : IRung
{
    private static readonly InodeId _inode = new(1);

    private readonly Reactor _reactor;
    private readonly ChunkStore _store;
    private readonly string _directory;
    private readonly uint _chunkSize;

    private ChunkRung(Reactor reactor, ChunkStore store, string directory, uint chunkSize)
    {
        _reactor = reactor;
        _store = store;
        _directory = directory;
        _chunkSize = chunkSize;
    }

    public string Name => "chunk";

    public static async ValueTask<Result<IRung>> OpenAsync(Reactor reactor, string directory, uint chunkSize)
    {
        var identity = new TargetIdentity(new TargetId(1), new ChainId(1));
        var created = await TargetDirectory.CreateAsync(reactor, directory, identity, new ChunkStoreOptions());
        return created.TryGet(out var store)
            ? Result<IRung>.Of(new ChunkRung(reactor, store, directory, chunkSize))
            : created.Status;
    }

    public async ValueTask<Status> ReadAsync(long offset, IoMemory destination)
    {
        var read = await _store.ReadAsync(ChunkOf(offset), OffsetOf(offset), (uint)destination.Length, destination);
        return read.Code == StatusCode.Ok && read.Length == destination.Length
            ? Status.Ok
            : new Status(StatusCode.IoError, $"chunk read: {read}");
    }

    public async ValueTask<Status> WriteAsync(long offset, IoMemory source)
    {
        Invariant.Check(_reactor.IsCurrent, "the engine's owner calls it");
        var update = new ChunkUpdate(
            ChunkOf(offset), UpdateKind.Write, OffsetOf(offset), (uint)source.Length, _chunkSize,
            Crc32C.Compute(source.Span),
            default, default, new ChainVersion(1), SupersedePending: true);
        var prepared = await _store.PrepareAsync(update, source);
        Invariant.Check(_reactor.IsCurrent, "the engine answers on its owner's thread");
        if (prepared.Code != StatusCode.Ok)
            return new Status(prepared.Code, $"{prepared.Code}; the engine says: {_store.Health}");
        return (await _store.CommitAsync(update.Chunk, prepared.Update, new ChainVersion(1))).Code;
    }

    public async ValueTask<Status> FlushAsync()
    {
        await _reactor.SwitchTo();
        return await _store.FlushAsync();
    }

    /// <summary>
    /// What small random overwrites cost below the engine: bytes written to the device for each byte of an update, with
    /// what folding and the index write later, and updates that share one flush.
    /// </summary>
    public async ValueTask<Result<(double BytesPerByte, double UpdatesPerFlush)>> MeasureCostsAsync(
        long fileBytes, TimeSpan time, BufferPool buffers, SeededRandom random)
    {
        var status = await SettleAsync();
        var (bytes, updated) = (WrittenBytes(), _store.Counters.UpdateBytes);
        if (status.IsOk)
            status = (await Workload.SmallWrites.RunAsync(this, _reactor, fileBytes, time, buffers, random)).Status;
        if (status.IsOk) status = await SettleAsync();
        if (!status.IsOk) return status;
        var bytesPerByte = (double)(WrittenBytes() - bytes) / (_store.Counters.UpdateBytes - updated);

        var (flushes, commits) = (_store.Counters.Flushes, _store.Counters.Commits);
        status = (await Workload.SmallFlushedWrites.RunAsync(this, _reactor, fileBytes, time, buffers, random)).Status;
        if (!status.IsOk) return status;
        var flushed = Math.Max(1, _store.Counters.Flushes - flushes);
        return (bytesPerByte, (double)(_store.Counters.Commits - commits) / flushed);
    }

    private async ValueTask<Status> SettleAsync()
    {
        await _reactor.SwitchTo();
        var code = await _store.FoldAsync();
        return code == StatusCode.Ok ? await _store.FlushAsync() : code;
    }

    /// <summary>Bytes that this process has had written to storage, through the page cache or past it.</summary>
    private static long WrittenBytes()
    {
        const string key = "write_bytes: ";
        return long.Parse(
            File.ReadLines("/proc/self/io").First(l => l.StartsWith(key, StringComparison.Ordinal))[key.Length..]);
    }

    public async ValueTask DisposeAsync()
    {
        await _reactor.SwitchTo();
        await _store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private ChunkId ChunkOf(long offset) => new(_inode, (ulong)(offset / _chunkSize));

    private uint OffsetOf(long offset) => (uint)(offset % _chunkSize);
}
