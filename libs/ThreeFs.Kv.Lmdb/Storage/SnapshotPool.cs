using ThreeFs.Base;
using ThreeFs.Kv.Lmdb.Native;

namespace ThreeFs.Kv.Lmdb.Storage;

/// <summary>
/// The snapshots of one process. Each keeps its slot in LMDB's reader table while it idles here, so taking one again
/// costs no system call. Bounded: one more than the limit is answered with TxThrottled.
/// </summary>
internal sealed class SnapshotPool(nint env, uint dbi, string path, int limit)
{
    private readonly Lock _lock = new();
    private readonly Stack<Snapshot> _idle = new();
    private readonly List<Snapshot> _all = [];
    private bool _closed;

    public int InUse
    {
        get
        {
            lock (_lock) return _all.Count - _idle.Count;
        }
    }

    public Result<Snapshot> Take(TimeProvider time)
    {
        Snapshot? snapshot;
        var fresh = false;
        lock (_lock)
        {
            if (_closed) return new Status(StatusCode.Cancelled, $"{path} is closed");
            if (!_idle.TryPop(out snapshot))
            {
                if (_all.Count == limit)
                    return new Status(StatusCode.TxThrottled, $"{path}: {limit} transactions hold a snapshot already");
                var code = Mdb.TxnBegin(env, 0, Mdb.ReadOnly, out var txn);
                if (code != 0) return MdbErrors.ToStatus(code, path, "starting a read");
                snapshot = new Snapshot(txn, dbi, path);
                _all.Add(snapshot);
                fresh = true;
            }
        }

        var status = snapshot.Begin(time, fresh);
        if (status.IsOk) return snapshot;
        Return(snapshot);
        return status;
    }

    public void Return(Snapshot snapshot)
    {
        snapshot.End();
        lock (_lock) _idle.Push(snapshot);
    }

    public void ExpireOld()
    {
        lock (_lock)
            foreach (var snapshot in _all) snapshot.ExpireIfOld();
    }

    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (var snapshot in _all) snapshot.Close();
        }
    }
}
