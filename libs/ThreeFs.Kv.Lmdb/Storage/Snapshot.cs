using ThreeFs.Base;
using ThreeFs.Kv.Buffering;
using ThreeFs.Kv.Lmdb.Native;

namespace ThreeFs.Kv.Lmdb.Storage;

/// <summary>
/// An LMDB read transaction with its cursor, reset and renewed instead of made anew. Its lock keeps a read and the
/// taking away of the snapshot (expiry, close) apart: LMDB's memory must not be read after the reset.
/// </summary>
internal sealed class Snapshot(nint txn, uint dbi, string path)
{
    private readonly Lock _gate = new();
    private nint _cursor;
    private State _state = State.Idle;
    private TimeProvider _time = TimeProvider.System;
    private long _timestamp;

    public KvVersion Version { get; private set; }

    /// <summary>Renews the read transaction on the newest commit.</summary>
    public Status Begin(TimeProvider time, bool fresh)
    {
        lock (_gate)
        {
            if (_state == State.Closed) return ReadErrors.Over;
            var code = fresh ? 0 : Mdb.TxnRenew(txn);
            var version = KvVersion.None;
            if (code == 0) code = ReadVersion(txn, dbi, out version);
            if (code != 0) return MdbErrors.ToStatus(code, path, "starting a read");
            Version = version;
            _time = time;
            _timestamp = time.GetTimestamp();
            _state = State.Active;
            return Status.Ok;
        }
    }

    public Status CheckAge() =>
        _state == State.Active && _time.GetElapsedTime(_timestamp) <= KvLimits.MaxAge ? Status.Ok : ReadErrors.TooOld;

    public TimeSpan Age => _time.GetElapsedTime(_timestamp);

    public Status Read(ReadOnlySpan<byte> key, out byte[]? value)
    {
        lock (_gate)
        {
            value = null;
            if (_state != State.Active) return ReadErrors.TooOld;
            var code = MdbReads.Find(txn, dbi, key, out var found);
            if (code == Mdb.NotFound) return Status.Ok;
            if (code != 0) return MdbErrors.ToStatus(code, path, "reading");
            value = found.ToArray();
            return Status.Ok;
        }
    }

    public Status Scan(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, bool reverse, RangeMerger rows)
    {
        lock (_gate)
        {
            if (_state != State.Active) return ReadErrors.TooOld;
            var code = _cursor == 0 ? Mdb.CursorOpen(txn, dbi, out _cursor) : Mdb.CursorRenew(txn, _cursor);
            if (code == 0) code = MdbReads.Scan(_cursor, begin, end, reverse, rows);
            return code == 0 ? Status.Ok : MdbErrors.ToStatus(code, path, "reading a range");
        }
    }

    /// <summary>Gives LMDB's pages free; the object goes back to the pool.</summary>
    public void End()
    {
        lock (_gate)
        {
            if (_state == State.Active) Mdb.TxnReset(txn);
            if (_state != State.Closed) _state = State.Idle;
        }
    }

    /// <summary>
    /// Takes the pages from a transaction that is too old, so that the file does not grow while it idles.
    /// </summary>
    public void ExpireIfOld()
    {
        lock (_gate)
        {
            if (_state != State.Active || _time.GetElapsedTime(_timestamp) <= KvLimits.MaxAge) return;
            Mdb.TxnReset(txn);
            _state = State.Expired;
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            if (_state == State.Closed) return;
            if (_cursor != 0) Mdb.CursorClose(_cursor);
            Mdb.TxnAbort(txn);
            _state = State.Closed;
        }
    }

    public static int ReadVersion(nint txn, uint dbi, out KvVersion version)
    {
        version = default;
        var code = MdbReads.FindRow(txn, dbi, StoredKeys.Version, out var bytes);
        if (code != 0) return code;
        if (bytes.Length != sizeof(long)) return Mdb.Corrupted;
        version = new KvVersion(System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes));
        return 0;
    }

    private enum State : byte
    {
        Idle,
        Active,
        Expired,
        Closed,
    }
}
