using ThreeFs.Base;
using ThreeFs.Client.Files;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Cluster;

namespace ThreeFs.Fuse.Tables;

/// <summary>
/// What this mount knows of one inode: the newest attributes the metadata service told, and what was written here
/// since.
/// </summary>
/// <remarks>
/// Two rules keep the size that applications see from going back while they write (the kernel would cut its page
/// cache):
/// <list type="bullet">
/// <item>Attributes asked for before the known ones arrived, and changed before them, are old and ignored.</item>
/// <item>A length shrinks only together with a higher truncate version; under one version the larger length is the
/// newer.</item>
/// </list>
/// Thread-safe.
/// </remarks>
internal sealed class InodeState
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private InodeAttr _attr;
    private long _attrAt;
    private readonly UnreportedWrites _writes = new();
    private MetaContext? _writer;
    private (ulong DataVersion, long Length) _cached;
    private bool _wasCached;
    private EntryName? _name;
    private (ulong DataVersion, long Length) _told;
    private IFileContent? _content;
    private int _nameChanges;
    private TruncateVersion _durableUnder;
    private long _durableLength = -1;

    public InodeState(InodeAttr attr, long asked, TimeProvider time)
    {
        _attr = attr;
        _attrAt = asked;
        _time = time;
    }

    public InodeId Id => _attr.Id;

    /// <summary>A name that the kernel was told leads here, the last one; it may have moved or gone since.</summary>
    public EntryName? Name
    {
        get => Volatile.Read(ref _name);
        set => Volatile.Write(ref _name, value);
    }

    /// <summary>Guarded by the table.</summary>
    public ulong Lookups { get; set; }

    /// <summary>Guarded by the table.</summary>
    public int Opens { get; set; }

    /// <summary>Open files with a session of their own; guarded by the table.</summary>
    public int Writers { get; set; }

    /// <summary>Timestamp of the first open since nothing was; guarded by the table.</summary>
    public long OpenedAt { get; set; }

    /// <summary>
    /// Rises with every change of a name in this directory by this mount, when it begins and when it has ended.
    /// </summary>
    public int NameChanges => Volatile.Read(ref _nameChanges);

    public void NameChanged() => Interlocked.Increment(ref _nameChanges);

    /// <summary>A session that keeps the content alive for all readers here; one at a time decides about it.</summary>
    public KeepOpenSession KeepOpen { get; } = new();

    /// <summary>One at a time reports, so that a report never overtakes an earlier one's outcome.</summary>
    public SemaphoreSlim Reporting { get; } = new(1, 1);

    /// <summary>The attributes with everything written here.</summary>
    public InodeAttr Attr
    {
        get
        {
            lock (_lock) return Overlay();
        }
    }

    /// <summary>The attributes with everything written here, for an answer to the kernel, which remembers them.</summary>
    public InodeAttr Tell()
    {
        lock (_lock)
        {
            _told = (_attr.DataVersion, Math.Max(_attr.Length, _writes.End));
            return Overlay();
        }
    }

    /// <summary>The kernel was last told of another length or content.</summary>
    public bool IsKernelBehind
    {
        get
        {
            lock (_lock) return _told != (_attr.DataVersion, Math.Max(_attr.Length, _writes.End));
        }
    }

    /// <summary>Bytes of the file, with everything written here.</summary>
    public long Length
    {
        get
        {
            lock (_lock) return Math.Max(_attr.Length, _writes.End);
        }
    }

    /// <summary>Something was written that the metadata service has not been told.</summary>
    public bool IsDirty
    {
        get
        {
            lock (_lock) return _writes.Any;
        }
    }

    /// <summary>The metadata service may not know where the file ends, because of writes through this mount.</summary>
    public bool IsEndUntold
    {
        get
        {
            lock (_lock)
            {
                if (_writes.End < 0) return _writes.IsUncertain;
                return _writes.IsUncertain || _writes.End > _attr.Length || _writes.Under != _attr.TruncateVersion;
            }
        }
    }

    /// <summary>This mount has removed the directory; the metadata service does not know it any more.</summary>
    public bool IsRemovedDirectory
    {
        get
        {
            lock (_lock) return _attr is { Type: InodeType.Directory, LinkCount: 0 };
        }
    }

    public TruncateVersion TruncateVersion
    {
        get
        {
            lock (_lock) return _attr.TruncateVersion;
        }
    }

    public uint Mode
    {
        get
        {
            lock (_lock) return _attr.Mode;
        }
    }

    /// <summary>
    /// The length on stable storage is the file's: fdatasync(2) has nothing to do but flush content. Times do not
    /// count for it.
    /// </summary>
    public bool IsLengthDurable
    {
        get
        {
            lock (_lock)
            {
                return !_writes.IsUncertain && _durableUnder == _attr.TruncateVersion
                    && _durableLength == Math.Max(_attr.Length, _writes.End);
            }
        }
    }

    /// <summary>The attributes were asked for less than this long ago.</summary>
    public bool IsFresh(TimeSpan age)
    {
        lock (_lock) return _time.GetElapsedTime(_attrAt) < age;
    }

    /// <summary>The content, shared by all open files of the inode.</summary>
    public IFileContent Content(IContentSource source, bool created)
    {
        lock (_lock) return _content ??= source.Open(_attr, created);
    }

    public void Merge(InodeAttr attr, long asked)
    {
        lock (_lock)
        {
            if (ReferenceEquals(attr, _attr)) return;
            var overlapped = asked < _attrAt;
            var isOlder = attr.DataVersion < _attr.DataVersion || attr.ChangeTime.CompareTo(_attr.ChangeTime) < 0;
            if (overlapped && isOlder && attr.TruncateVersion.Value <= _attr.TruncateVersion.Value) return;
            var length = attr.TruncateVersion == _attr.TruncateVersion ? Math.Max(attr.Length, _attr.Length)
                : attr.TruncateVersion.Value < _attr.TruncateVersion.Value ? _attr.Length
                : attr.Length;
            var version = attr.TruncateVersion.Value < _attr.TruncateVersion.Value
                ? _attr.TruncateVersion
                : attr.TruncateVersion;
            _attr = length == attr.Length && version == attr.TruncateVersion
                ? attr
                : attr with { Length = length, TruncateVersion = version };
            _attrAt = _time.GetTimestamp();
        }
    }

    /// <summary>Moves with every write; see <see cref="Truncated"/>.</summary>
    public long WriteMark
    {
        get
        {
            lock (_lock) return _writes.Mark;
        }
    }

    /// <summary>
    /// The file was cut to the length in these attributes. What was written before that was asked for is over. Of writes
    /// that ended since then only storage knows whether the cut took them: they stay to be reported, and the report
    /// asks.
    /// </summary>
    /// <param name="asked">When the truncation was sent.</param>
    /// <param name="mark"><see cref="WriteMark"/> before that; null when it was not known which file it would be.</param>
    public void Truncated(InodeAttr attr, long asked, long? mark)
    {
        lock (_lock)
        {
            _content?.Truncated(attr);
            Merge(attr, asked);
            _durableLength = -1;
            _writes.Truncated(mark);
        }
    }

    /// <summary>Bytes up to here are stored.</summary>
    /// <param name="under">The truncate version when the write began.</param>
    /// <param name="now">Time of the write by this machine's clock; see <see cref="UnreportedWrites"/>.</param>
    public void Written(long end, TruncateVersion under, FileTime now, MetaContext writer)
    {
        lock (_lock)
        {
            _writes.Written(end, under, now, _attr.ChangeTime);
            _writer = writer;
        }
    }

    /// <summary>
    /// Something was written past the kernel, by a ring: the next open must not keep the kernel's pages, and what the kernel
    /// was told is old, whatever it was.
    /// </summary>
    public void WrittenBesideKernel()
    {
        lock (_lock)
        {
            _wasCached = false;
            _told = (ulong.MaxValue, -1);
        }
    }

    /// <summary>A write failed and may have stored something: only storage knows where the file ends.</summary>
    public void WriteFailed(FileTime now, MetaContext writer)
    {
        lock (_lock)
        {
            _writes.Failed(now, _attr.ChangeTime);
            _writer = writer;
        }
    }

    /// <summary>What there is to report, in whose name.</summary>
    /// <param name="mark">Goes to <see cref="Reported"/>.</param>
    public LengthHint Hint(out long mark, out MetaContext? writer)
    {
        lock (_lock)
        {
            mark = _writes.Mark;
            writer = _writer;
            return _writes.Hint();
        }
    }

    /// <summary>The metadata service has taken the hint and answered with these attributes.</summary>
    /// <param name="isDurable">They are on stable storage.</param>
    public void Reported(InodeAttr attr, long asked, long mark, bool isDurable)
    {
        lock (_lock)
        {
            // One step on from what the kernel was told: the content changed by this report alone, through the kernel.
            var kernelHasIt = _told.DataVersion == _attr.DataVersion && _told.Length >= _attr.Length
                && attr.DataVersion == _attr.DataVersion + 1 && attr.TruncateVersion == _attr.TruncateVersion;
            Merge(attr, asked);
            if (kernelHasIt) _told = (attr.DataVersion, attr.Length);
            if (isDurable) (_durableUnder, _durableLength) = (attr.TruncateVersion, attr.Length);
            _writes.Reported(mark);
        }
    }

    /// <summary>
    /// For an open: the pages the kernel has of this file are those of its present content. What was written here went
    /// through the kernel, so pages stay good, but for what rings write; a change that came from elsewhere shows in data
    /// version or length. Times say nothing: they can be set.
    /// </summary>
    public bool MayKeepCache()
    {
        lock (_lock)
        {
            var now = (_attr.DataVersion, Math.Max(_attr.Length, _writes.End));
            var same = _wasCached && _cached == now;
            _cached = now;
            _wasCached = true;
            return same;
        }
    }

    private InodeAttr Overlay()
    {
        if (_writes.End < 0) return _attr;
        return _attr with
        {
            Length = Math.Max(_attr.Length, _writes.End),
            ModifyTime = Later(_attr.ModifyTime, _writes.At),
            ChangeTime = Later(_attr.ChangeTime, _writes.At),
        };
    }

    private static FileTime Later(FileTime a, FileTime b) => a.CompareTo(b) >= 0 ? a : b;
}
