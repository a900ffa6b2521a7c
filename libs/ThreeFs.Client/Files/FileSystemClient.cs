using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Client.Files;

/// <summary>A file that was opened by name, and whether that made it.</summary>
public sealed record CreatedFile(OpenFile File, InodeAttr Attr, bool Created);

/// <summary>
/// Files with the semantics of POSIX for one client process: metadata operations and contents together. Names,
/// directories and attributes of inodes that are not open go to <see cref="Meta"/> directly; what concerns the length
/// or life of an open file goes through here.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>Handles of one inode share one content, so they see each other's writes and one length.</item>
/// <item>Attributes answered here have the length and modify time of writes not reported yet.</item>
/// <item>A file removed or replaced through here while open keeps its content until its last handle closes.</item>
/// <item>Other clients see the length after close or fsync, otherwise within
/// <see cref="FileSystemOptions.SyncInterval"/>.</item>
/// </list>
/// Thread-safe.
/// </remarks>
public sealed class FileSystemClient : IAsyncDisposable
{
    /// <summary>Others truncate the file all the time: its length is what it was at some moment.</summary>
    private const int MaxRounds = 8;

    private readonly Lock _lock = new();
    private readonly Dictionary<InodeId, OpenInode> _open = [];
    private readonly List<SessionId> _lostSessions = [];
    private readonly ClientId _client;
    private readonly TimeProvider _time;
    private readonly SeededRandom _random;
    private readonly FileSystemOptions _options;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private Task? _loop;

    public FileSystemClient(
        IMetaService meta,
        FileContents contents,
        ClientId client,
        FileSystemOptions options,
        TimeProvider time,
        SeededRandom random,
        ILoggerFactory? logs = null)
    {
        Meta = meta;
        Contents = contents;
        Reporter = new LengthReporter(meta, Context);
        _client = client;
        _options = options;
        _time = time;
        _random = random.Fork();
        _log = (logs ?? NullLoggerFactory.Instance).CreateLogger<FileSystemClient>();
    }

    public IMetaService Meta { get; }

    public FileContents Contents { get; }

    /// <summary>Inodes open now.</summary>
    public int OpenCount
    {
        get
        {
            lock (_lock) return _open.Count;
        }
    }

    internal LengthReporter Reporter { get; }

    /// <summary>A context for one request in a user's name.</summary>
    public MetaContext Context(UserInfo user) => new(user, _client, new RequestId(NextGuid()));

    /// <summary>Begins the periodic reports. Call at most once.</summary>
    public void Start()
    {
        Invariant.Check(_loop is null, "the periodic reports are started once");
        _loop = RunAsync();
    }

    /// <summary>Opens a regular file by inode; always asks the metadata service, so the length is at least what others
    /// had reported before.</summary>
    public async ValueTask<Result<OpenFile>> OpenAsync(UserInfo user, InodeId inode, OpenFlags flags,
        CancellationToken ct = default)
    {
        var session = new SessionId(NextGuid());
        var cut = (flags & OpenFlags.Truncate) != 0 ? Find(inode) : null;
        if (cut is not null && !await cut.Content.Gate.EnterAloneAsync(ct)) return new Status(StatusCode.Cancelled);
        try
        {
            var opened = await Meta.OpenAsync(Context(user), inode, flags, session, ct);
            if (!opened.TryGet(out var attr)) return OpenFailed(opened.Status, flags, session);
            if (cut is not null) Truncated(cut, attr);
            return await AttachAsync(user, attr, flags, session, created: false, ct);
        }
        finally
        {
            cut?.Content.Gate.Exit();
        }
    }

    /// <summary>Creates a regular file and opens it, or opens the one that is there unless
    /// <see cref="OpenFlags.Exclusive"/>.</summary>
    public async ValueTask<Result<CreatedFile>> CreateAsync(
        UserInfo user, InodeId parent, FileName name, NewInode file, OpenFlags flags, CancellationToken ct = default)
    {
        var session = new SessionId(NextGuid());
        var made = await Meta.CreateAsync(Context(user), parent, name, file, flags, session, ct);
        if (!made.TryGet(out var result)) return OpenFailed(made.Status, flags, session);
        var cut = !result.Created && (flags & OpenFlags.Truncate) != 0 ? Find(result.Attr.Id) : null;
        cut?.Content.TruncatedBesideWrites(result.Attr);
        var opened = await AttachAsync(user, result.Attr, flags, session, result.Created, ct);

        // Nobody knew which file it would be, so no write was held up. A failure leaves it to the next report.
        if (cut is not null) await Reporter.ReportAsync(cut, user, durable: false, exact: false, ct);
        return opened.TryGet(out var handle)
            ? new CreatedFile(handle, Overlay(result.Attr), result.Created)
            : opened.Status;
    }

    public async ValueTask<Result<InodeAttr>> GetAttrAsync(UserInfo user, InodeId inode, CancellationToken ct = default)
    {
        for (var round = 0; ; round++)
        {
            var found = await Meta.GetAttrAsync(Context(user), inode, ct);
            if (!found.TryGet(out var attr)) return found;
            var known = Overlay(attr);
            if (round == MaxRounds || Find(inode) is not { Content.State.IsUnsettled: true } open) return known;
            var settled = await Reporter.ReportAsync(open, user, durable: false, exact: true, ct);
            if (!settled.IsOk) return settled;
        }
    }

    /// <summary>
    /// Changes attributes, the length included. Writes not reported yet are reported first, so that a late report does
    /// not undo what is set now.
    /// </summary>
    public async ValueTask<Result<InodeAttr>> SetAttrAsync(
        UserInfo user, InodeId inode, AttrChange change, CancellationToken ct = default)
    {
        var open = Find(inode);
        if (open is null) return await Meta.SetAttrAsync(Context(user), inode, change, ct);
        var cuts = (change.Mask & SetAttrMask.Length) != 0;
        if (cuts && !await open.Content.Gate.EnterAloneAsync(ct)) return new Status(StatusCode.Cancelled);
        try
        {
            if (!cuts || (change.Mask & ~SetAttrMask.Length) != 0)
            {
                var reported = await Reporter.ReportAsync(open, user, durable: false, exact: false, ct);
                if (!reported.IsOk) return reported;
            }

            var result = await Meta.SetAttrAsync(Context(user), inode, change, ct);
            if (!result.TryGet(out var attr))
            {
                // It may have happened: what storage holds is known to storage alone.
                if (cuts) open.Content.WriteFailed();
                return result;
            }

            if (cuts) Truncated(open, attr);
            return Overlay(attr);
        }
        finally
        {
            if (cuts) open.Content.Gate.Exit();
        }
    }

    /// <summary>Removes a name of a non-directory.</summary>
    /// <param name="target">The inode that the name is known to have, or null: keeps its content while it is open
    /// here.</param>
    public async ValueTask<Result<InodeAttr>> UnlinkAsync(
        UserInfo user, InodeId parent, FileName name, InodeId? target, CancellationToken ct = default)
    {
        var kept = await KeepAliveAsync(user, target, ct);
        var result = await Meta.UnlinkAsync(Context(user), parent, name, keepOpenFor: null, ct);
        if (kept is not null) await CloseAsync(kept, user, session: null, ct);
        return result;
    }

    /// <summary>rename(2); the replaced file keeps its content while it is open here.</summary>
    /// <param name="replaced">The inode that the new name is known to have, or null.</param>
    public async ValueTask<Result<RenameResult>> RenameAsync(
        UserInfo user, InodeId parent, FileName name, InodeId newParent, FileName newName, RenameFlags flags,
        InodeId? replaced, CancellationToken ct = default)
    {
        var kept = await KeepAliveAsync(user, replaced, ct);
        var result = await Meta.RenameAsync(Context(user), parent, name, newParent, newName, flags, ct);
        if (kept is not null) await CloseAsync(kept, user, session: null, ct);
        return result;
    }

    /// <summary>Everything that this client wrote or changed before is on stable storage, closed files
    /// included.</summary>
    public async ValueTask<Status> SyncAllAsync(CancellationToken ct = default)
    {
        var status = await Contents.FlushAllAsync(ct);
        foreach (var inode in AllOpen())
        {
            var reported = await Reporter.ReportAsync(inode, UserInfo.Root, durable: false, exact: false, ct);
            if (status.IsOk && !IsGone(reported)) status = reported;
        }

        var flushed = await Meta.FlushAsync(Context(UserInfo.Root), ct);
        return status.IsOk ? flushed : status;
    }

    /// <summary>The attributes with what this client wrote and has not reported, and takes them in.</summary>
    public InodeAttr Overlay(InodeAttr attr)
    {
        if (attr.Type != InodeType.File || Find(attr.Id) is not { } open) return attr;
        open.Content.Learn(attr);
        open.Learned();
        return open.Content.State.Overlay(attr);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop is not null) await _loop;
    }

    internal bool IsOld(OpenInode inode) => inode.Age >= _options.LengthValidity;

    internal async ValueTask<Status> CloseAsync(OpenInode inode, UserInfo user, SessionId? session,
        CancellationToken ct)
    {
        var status = session is { } own ? await EndAsync(inode, user, own, ct) : Status.Ok;
        SessionId? keep;
        lock (_lock)
        {
            if (--inode.Handles > 0) return status;
            _open.Remove(inode.Content.Inode);
            keep = inode.KeepAlive;
        }

        if (keep is { } last) await EndAsync(inode, user, last, ct);
        return status;
    }

    /// <summary>Reports for every file open for writing and ends lost sessions: one round of the periodic
    /// work.</summary>
    internal async ValueTask RunOnceAsync(CancellationToken ct)
    {
        foreach (var inode in AllOpen())
        {
            var status = await Reporter.ReportAsync(inode, UserInfo.Root, durable: false, exact: false, ct);
            if (!status.IsOk && !IsGone(status) && !ct.IsCancellationRequested)
                ClientLog.SyncFailed(_log, inode.Content.Inode, status);
        }

        SessionId[] lost;
        lock (_lock) lost = [.. _lostSessions];
        if (lost.Length == 0) return;
        var pruned = await Meta.PruneSessionsAsync(Context(UserInfo.Root), [.. lost], ct);
        if (!pruned.IsOk) return;
        lock (_lock) _lostSessions.RemoveAll(s => lost.Contains(s));
    }

    private async ValueTask<Status> EndAsync(OpenInode inode, UserInfo user, SessionId session, CancellationToken ct)
    {
        var status = await Reporter.CloseAsync(inode, user, session, ct);
        if (status.IsOk || IsGone(status)) return Status.Ok;
        Lose(session);
        return status;
    }

    private async ValueTask<Result<OpenFile>> AttachAsync(
        UserInfo user, InodeAttr attr, OpenFlags flags, SessionId session, bool created, CancellationToken ct)
    {
        SessionId? own = (flags & OpenFlags.Write) != 0 ? session : null;
        if (TryAttach(attr) is { } shared)
        {
            // On failure the length is what this client wrote or more; the next report settles it.
            if (shared.Content.State.IsUnsettled) await Reporter.ReportAsync(shared, user, durable: false, exact: true, ct);
            return new OpenFile(this, shared, user, flags, own);
        }

        var content = await Contents.OpenAsync(attr, created, ct);
        if (!content.TryGet(out var made))
        {
            if (own is { } registered) Lose(registered);
            return content.Status;
        }

        lock (_lock)
        {
            if (!_open.TryGetValue(attr.Id, out var inode)) _open.Add(attr.Id, inode = new OpenInode(made, _time));
            inode.Handles++;
            return new OpenFile(this, inode, user, flags, own);
        }
    }

    private OpenInode? TryAttach(InodeAttr attr)
    {
        lock (_lock)
        {
            if (!_open.TryGetValue(attr.Id, out var inode)) return null;
            inode.Handles++;
            inode.Content.Learn(attr);
            inode.Learned();
            return inode;
        }
    }

    private OpenInode? Find(InodeId inode)
    {
        lock (_lock) return _open.GetValueOrDefault(inode);
    }

    private OpenInode[] AllOpen()
    {
        lock (_lock) return [.. _open.Values];
    }

    /// <summary>
    /// Registers a session that keeps the content of an open file until its last handle here closes. The answer counts as one
    /// more handle, for the caller to close: while a name is being removed the session must not end. Null when the file is not
    /// open.
    /// </summary>
    private async ValueTask<OpenInode?> KeepAliveAsync(UserInfo user, InodeId? id, CancellationToken ct)
    {
        OpenInode? open;
        lock (_lock)
        {
            if (id is not { } known || !_open.TryGetValue(known, out open)) return null;
            open.Handles++;
        }

        if (!await open.Keeping.EnterAsync(ct)) return open;
        try
        {
            if (open.KeepAlive is not null) return open;
            var session = new SessionId(NextGuid());
            var status = await Meta.KeepOpenAsync(Context(user), open.Content.Inode, session, ct);
            if (status.IsOk) lock (_lock) open.KeepAlive = session;
            else if (MayHaveHappened(status)) Lose(session);
            return open;
        }
        finally
        {
            open.Keeping.Release();
        }
    }

    private void Truncated(OpenInode open, InodeAttr attr)
    {
        open.Content.Truncated(attr);
        open.Learned();
    }

    /// <summary>Unless it certainly did not happen, the session may be registered and has to be ended.</summary>
    private Status OpenFailed(Status status, OpenFlags flags, SessionId session)
    {
        if (MayHaveHappened(status) && (flags & OpenFlags.Write) != 0) Lose(session);
        return status;
    }

    private static bool MayHaveHappened(Status status) => status.Code.IsRetryableMeta() || status.Code == StatusCode.Cancelled;

    private void Lose(SessionId session)
    {
        lock (_lock)
        {
            if (_lostSessions.Count < _options.MaxLostSessions) _lostSessions.Add(session);
        }
    }

    /// <summary>The inode was removed and collected: there is nothing left to report to.</summary>
    private static bool IsGone(Status status) => status.Code is StatusCode.NotFound or StatusCode.StaleHandle;

    private Guid NextGuid()
    {
        lock (_random) return _random.NextGuid();
    }

    private async Task RunAsync()
    {
        while (await _time.PauseAsync(_options.SyncInterval, _stop.Token))
        {
            try
            {
                await RunOnceAsync(_stop.Token);
            }
            catch (Exception e)
            {
                ClientLog.RoundFailed(_log, e);
            }
        }
    }
}
