using System.Collections.Concurrent;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Tests.Support;

/// <summary>Storage that only knows where each file ends, fails when told to, and counts what was asked of it.</summary>
internal sealed class FakeChunks : IFileChunks
{
    private readonly ConcurrentDictionary<InodeId, long> _ends = new();
    private readonly ConcurrentDictionary<InodeId, uint> _orders = new();

    public Status Failure { get; set; }
    public Func<Task>? BeforeAnswer { get; set; }

    /// <summary>Runs while a truncation is on its way to storage.</summary>
    public Func<Task>? BeforeCut { get; set; }
    public int Truncations { get; private set; }
    public int Queries { get; private set; }
    public int Removals { get; private set; }
    public int SpaceQuestions { get; private set; }

    public void Write(InodeId inode, long end) => _ends.AddOrUpdate(inode, end, (_, old) => Math.Max(old, end));

    /// <summary>As new heads of the chains.</summary>
    public void ForgetOrders() => _orders.Clear();

    public bool Has(InodeId inode) => _ends.ContainsKey(inode);

    public long EndOf(InodeId inode) => _ends.GetValueOrDefault(inode);

    public async ValueTask<Result<long>> QueryLengthAsync(InodeId inode, Layout layout, CancellationToken ct)
    {
        Queries++;
        var end = EndOf(inode);
        if (BeforeAnswer is { } wait) await wait();
        if (!Failure.IsOk) return Failure;
        return end;
    }

    public async ValueTask<Status> TruncateAsync(InodeId inode, Layout layout, long length, CutOrder order, CancellationToken ct)
    {
        Truncations++;
        if (BeforeCut is { } reach) await reach();
        if (!Failure.IsOk) return Failure;
        if (order.Left <= TimeSpan.Zero) return StatusCode.DeadlineExceeded;
        var latest = _orders.AddOrUpdate(inode, order.Version.Value, (_, known) => Math.Max(known, order.Version.Value));
        if (latest > order.Version.Value) return StatusCode.CutOvertaken;
        if (_ends.TryGetValue(inode, out var end)) _ends[inode] = Math.Min(end, length);
        if (BeforeAnswer is { } wait) await wait();
        return Status.Ok;
    }

    public ValueTask<Status> RemoveAsync(InodeId inode, Layout layout, CancellationToken ct)
    {
        Removals++;
        if (!Failure.IsOk) return new(Failure);
        _ends.TryRemove(inode, out _);
        return new(Status.Ok);
    }

    public ValueTask<Result<FileSystemSpace>> SpaceAsync(CancellationToken ct)
    {
        SpaceQuestions++;
        if (!Failure.IsOk) return new(Failure);
        return new(new FileSystemSpace(1000, 400, 600, 0));
    }
}
