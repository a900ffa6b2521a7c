using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Client.Files;

/// <summary>What a report of length and times to the metadata service covers; see <see cref="SyncState"/>.</summary>
public readonly record struct SyncPoint(LengthHint Hint, long Generation)
{
    /// <summary>There is nothing that the metadata service does not know.</summary>
    public bool IsEmpty => Hint.WrittenEnd < 0 && !Hint.Exact;
}

/// <summary>
/// What one client knows of a file's length and of its own writes since the metadata service was told. Pure
/// bookkeeping.
/// </summary>
/// <remarks>
/// Invariants: under one truncate version the length only grows, so attributes may arrive in any order. A truncation
/// known by its higher version replaces the length. Writes that were not reported then may lie before it or after it:
/// they still count, so that this client sees its own, and the state is unsettled until a report, which is exact, has
/// brought the length from storage. A failed write may have reached storage: the next report is exact.
/// </remarks>
internal sealed class SyncState
{
    private readonly Lock _lock = new();
    private long _length;
    private TruncateVersion _version;
    private readonly UnreportedWrites _writes = new();
    private FileTime _changed;
    private bool _unsettled;
    private bool _reportedWithoutFlush;

    public SyncState(InodeAttr attr)
    {
        _length = attr.Length;
        _version = attr.TruncateVersion;
        _changed = attr.ChangeTime;
    }

    /// <summary>The file's end as far as this client knows, its own writes included.</summary>
    public long Length => Interlocked.Read(ref _length);

    /// <summary>Writes were made that the metadata service has not been told of.</summary>
    public bool IsDirty
    {
        get
        {
            lock (_lock) return _writes.Any;
        }
    }

    /// <summary>
    /// Another client truncated the file beside writes of this one: the length is too large when they came before. A
    /// report settles it.
    /// </summary>
    public bool IsUnsettled
    {
        get
        {
            lock (_lock) return _unsettled;
        }
    }

    /// <summary>A report was made that did not wait for stable storage.</summary>
    public bool IsReportedWithoutFlush => Volatile.Read(ref _reportedWithoutFlush);

    /// <summary>The newest truncation that this client knows of.</summary>
    public TruncateVersion Version
    {
        get
        {
            lock (_lock) return _version;
        }
    }

    /// <param name="under"><see cref="Version"/> when the write began.</param>
    /// <param name="when">Time of the write by this machine's clock; see <see cref="UnreportedWrites"/>.</param>
    public void Written(long end, TruncateVersion under, FileTime when)
    {
        lock (_lock)
        {
            _writes.Written(end, under, when, _changed);
            if (under.Value < _version.Value) BecomeUnsettled();
            if (end > _length) Interlocked.Exchange(ref _length, end);
        }
    }

    public void WriteFailed(FileTime when)
    {
        lock (_lock) _writes.Failed(when, _changed);
    }

    /// <summary>Takes in attributes from the metadata service.</summary>
    public void Learn(InodeAttr attr)
    {
        lock (_lock)
        {
            if (attr.ChangeTime.CompareTo(_changed) > 0) _changed = attr.ChangeTime;
            if (attr.TruncateVersion.Value < _version.Value) return;
            if (attr.TruncateVersion.Value > _version.Value)
            {
                BecomeUnsettled();
                _version = attr.TruncateVersion;
                Interlocked.Exchange(ref _length, Math.Max(attr.Length, _writes.End));
                return;
            }

            if (attr.Length > _length) Interlocked.Exchange(ref _length, attr.Length);
        }
    }

    /// <summary>This client has set the length, with no write of its own under way: what was written before is
    /// settled.</summary>
    public void Truncated(InodeAttr attr)
    {
        lock (_lock)
        {
            if (attr.TruncateVersion.Value < _version.Value) return;
            _version = attr.TruncateVersion;
            Interlocked.Exchange(ref _length, attr.Length);
            _writes.Truncated(_writes.Mark);
            _unsettled = false;
        }
    }

    /// <summary>
    /// The attributes with what was written here and is not reported. When they are from before a truncation that is known by now, with the
    /// length that is known since.
    /// </summary>
    public InodeAttr Overlay(InodeAttr attr)
    {
        lock (_lock)
        {
            if (attr.TruncateVersion.Value < _version.Value) return attr with { Length = _length };
            if (attr.Length < _length) attr = attr with { Length = _length };
            if (_writes.End < 0 || _writes.At.CompareTo(attr.ModifyTime) <= 0) return attr;
            return attr with { ModifyTime = _writes.At, ChangeTime = _writes.At };
        }
    }

    /// <summary>What to report now. <paramref name="exact"/>: have storage asked for the length in any case.</summary>
    public SyncPoint Begin(bool exact)
    {
        lock (_lock)
        {
            var hint = _writes.Hint();
            return new SyncPoint(hint with { Exact = hint.Exact || exact }, _writes.Mark);
        }
    }

    /// <summary>The report of <paramref name="point"/> was taken; what was written since remains to be
    /// reported.</summary>
    public void End(SyncPoint point, InodeAttr attr, bool durable)
    {
        lock (_lock)
        {
            Volatile.Write(ref _reportedWithoutFlush, !durable && (_reportedWithoutFlush || !point.IsEmpty));

            // Answered before a truncation that is known by now: which writes came after it remains to be asked.
            if (attr.TruncateVersion.Value < _version.Value) return;
            _writes.Reported(point.Generation);
            if (_unsettled && !_writes.Any && attr.TruncateVersion == _version)
            {
                _unsettled = false;
                Interlocked.Exchange(ref _length, attr.Length);
            }
        }

        Learn(attr);
    }

    private void BecomeUnsettled()
    {
        _writes.TruncatedByOthers();
        _unsettled = _writes.End >= 0;
    }
}
