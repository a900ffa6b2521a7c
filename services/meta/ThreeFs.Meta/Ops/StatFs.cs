using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// statfs(2): the space that storage reports, remembered for a moment because everybody asks for it, and the number of inodes. When
/// storage does not answer, the last answer is repeated for a while. Thread-safe.
/// </summary>
internal sealed class StatFs(IFileChunks chunks, TransactionRunner runner, TimeProvider time, TimeSpan goodFor)
{
    private static readonly TimeSpan _repeatFor = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private FileSystemSpace? _last;
    private long _askedAt;

    public async ValueTask<Result<FileSystemSpace>> RunAsync(MetaContext context, CancellationToken ct)
    {
        var inodes = await runner.ReadAsync(context, new CountInodes(), ct);
        if (!inodes.IsOk) return inodes.Status;
        if (Remembered(goodFor) is { } fresh) return fresh with { Inodes = inodes.Value };
        var asked = await chunks.SpaceAsync(ct);
        if (asked.TryGet(out var space))
        {
            Remember(space);
            return space with { Inodes = inodes.Value };
        }

        return Remembered(_repeatFor) is { } old ? old with { Inodes = inodes.Value } : asked.Status;
    }

    private FileSystemSpace? Remembered(TimeSpan atMost)
    {
        lock (_lock) return _last is not null && time.GetElapsedTime(_askedAt) < atMost ? _last : null;
    }

    private void Remember(FileSystemSpace space)
    {
        lock (_lock)
        {
            _last = space;
            _askedAt = time.GetTimestamp();
        }
    }

    private sealed class CountInodes : IQuery<long>
    {
        public async ValueTask<Result<long>> RunAsync(MetaTransaction tx)
        {
            var count = await tx.Kv.GetAsync(MetaKeys.InodeCount, snapshot: true);
            return count.IsOk ? (long)count.Value.ReadCounter() : count.Status;
        }
    }
}
