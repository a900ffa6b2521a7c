using ThreeFs.Base;
using ThreeFs.Kv.Buffering;

namespace ThreeFs.Kv;

/// <summary>A transaction of <see cref="MemoryKvEngine"/>: a version and the time it was taken.</summary>
internal sealed class MemoryKvTransaction(MemoryKvEngine engine, bool readOnly)
    : BufferedTransaction(readOnly, engine.Rules)
{
    private KvVersion? _version;
    private long _timestamp;

    protected override Status Snapshot(out KvVersion version)
    {
        _version ??= engine.TakeSnapshot(out _timestamp);
        version = _version.Value;
        return engine.CheckAge(version, _timestamp);
    }

    protected override Status ReadSnapshot(ReadOnlySpan<byte> key, out byte[]? value)
    {
        value = engine.Read(_version!.Value, key);
        return Status.Ok;
    }

    protected override Status ScanSnapshot(
        ReadOnlySpan<byte> begin,
        ReadOnlySpan<byte> end,
        bool reverse,
        RangeMerger rows)
    {
        engine.Scan(_version!.Value, begin, end, reverse, rows);
        return Status.Ok;
    }

    protected override ValueTask<Status> SubmitAsync(KvDurability durability) =>
        new(engine.Commit(this, _version, _timestamp, durability));

    protected override void Release()
    {
    }
}
