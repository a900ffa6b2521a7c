using Microsoft.Win32.SafeHandles;
using ThreeFs.Base;
using ThreeFs.Kv.Lmdb.Native;

namespace ThreeFs.Kv.Lmdb.Durability;

/// <summary>
/// Makes steady points, so that an environment without LMDB's own syncs survives a power failure.
/// <para>
/// LMDB never overwrites a page that the newest transaction or a registered reader can reach. So a process takes a read
/// transaction (the pin) on transaction n, forces the data file to stable storage, and then saves n's meta page in the
/// <see cref="SteadyFile"/>. After a power failure that meta page is put back: all it reaches is on disk and was not
/// overwritten, and whatever was written after n is unreachable.
/// </para>
/// <para>
/// Invariant: every process that may write holds a pin that is not newer than the newest steady point on disk. A page
/// that the steady point reaches was therefore not given free before any pin's snapshot, and LMDB reuses only pages
/// freed before every reader's snapshot. It holds although pins of killed processes vanish, because each writer has its
/// own: a process makes a steady point before its first write, and lets go of a pin only when a newer one is covered by
/// a steady point, its own or another process's.
/// </para>
/// Only the flusher's thread calls this.
/// </summary>
internal sealed class SteadyPoints(
    nint env,
    SafeFileHandle data,
    SteadyFile steady,
    Guid boot,
    string path,
    Func<int>? syncOverride)
{
    private nint _pin;
    private nint _spare;
    private int _pageSize;

    /// <summary>The spare pins a newer transaction and waits for a steady point that covers it.</summary>
    private bool _waiting;

    public long Flushes { get; private set; }

    /// <summary>
    /// Puts everything committed so far on stable storage. <paramref name="opening"/>: the first call of a process,
    /// which also replaces the record of an earlier boot.
    /// </summary>
    public Status Advance(bool opening = false)
    {
        var status = steady.Lock();
        if (!status.IsOk) return status;
        try
        {
            var newest = steady.ReadNewest();
            if (!newest.IsOk) return newest.Status;
            if (!opening && newest.Value?.BootId != boot)
                return new Status(
                    StatusCode.IoError,
                    $"{path}: a flush by another process has failed; restart every process that uses it");
            return Advance(newest.Value, opening);
        }
        finally
        {
            steady.Unlock();
        }
    }

    /// <summary>
    /// Follows the steady points of other processes, so that this one's pin does not keep pages for ever.
    /// </summary>
    public Status Follow()
    {
        var newest = steady.ReadNewest();
        if (!newest.IsOk) return newest.Status;
        if (newest.Value is not { } record || record.BootId != boot || record.TransactionId <= Id(_pin))
            return Status.Ok;
        if (!_waiting)
        {
            var code = Renew(ref _spare);
            if (code != 0) return MdbErrors.ToStatus(code, path, "pinning a snapshot");
            _waiting = true;
        }

        if (record.TransactionId >= Id(_spare)) SwapPins();
        return Status.Ok;
    }

    public void Close()
    {
        if (_pin != 0) Mdb.TxnAbort(_pin);
        if (_spare != 0) Mdb.TxnAbort(_spare);
        _pin = _spare = 0;
    }

    private Status Advance(SteadyRecord? newest, bool opening)
    {
        var meta = PinNewest();
        if (!meta.IsOk) return meta.Status;
        if (!opening && newest!.TransactionId == Id(_spare))
        {
            SwapPins();
            return Status.Ok;
        }

        Flushes++;
        var sequence = (newest?.Sequence ?? 0) + 1;
        var errno = syncOverride is null ? Posix.SyncData(data) : syncOverride();
        if (errno != 0)
            return GiveUp(
                newest,
                sequence,
                new Status(StatusCode.IoError, $"{path}: {Posix.Describe(errno)} (flushing)"));
        var status = steady.Write(new SteadyRecord(sequence, boot, meta.Value));
        if (status.Code == StatusCode.NoSpace) return status;
        if (!status.IsOk) return GiveUp(newest, sequence, status);
        SwapPins();
        return Status.Ok;
    }

    /// <summary>
    /// Pins the newest transaction with the spare and reads its meta page, both under LMDB's write lock so that it
    /// stays the newest.
    /// </summary>
    private Result<byte[]> PinNewest()
    {
        var code = Mdb.TxnBegin(env, 0, 0, out var writer);
        if (code != 0) return MdbErrors.ToStatus(code, path, "taking the write lock");
        code = Renew(ref _spare);
        var meta = code == 0 ? ReadMeta(Id(_spare)) : MdbErrors.ToStatus(code, path, "pinning a snapshot");
        Mdb.TxnAbort(writer);
        return meta;
    }

    private Result<byte[]> ReadMeta(long transaction)
    {
        if (_pageSize == 0)
        {
            var first = MetaPage.ReadFirst(data, path);
            if (!first.IsOk) return first.Status;
            _pageSize = MetaPage.PageSize(first.Value);
        }

        return MetaPage.Read(data, _pageSize, transaction, path);
    }

    /// <summary>
    /// The kernel reports a failed write-back once and then takes the pages for clean: nobody may flush again and
    /// believe it. The mark makes every process stop and the next start go back to the last steady point.
    /// </summary>
    private Status GiveUp(SteadyRecord? newest, ulong sequence, Status failure)
    {
        if (newest is not null) steady.Write(newest with { Sequence = sequence, BootId = SteadyRecord.Lost });
        return failure;
    }

    private int Renew(ref nint txn)
    {
        if (txn == 0) return Mdb.TxnBegin(env, 0, Mdb.ReadOnly, out txn);
        Mdb.TxnReset(txn);
        return Mdb.TxnRenew(txn);
    }

    private void SwapPins()
    {
        (_pin, _spare) = (_spare, _pin);
        if (_spare != 0) Mdb.TxnReset(_spare);
        _waiting = false;
    }

    private static long Id(nint txn) => (long)Mdb.TxnId(txn);
}
