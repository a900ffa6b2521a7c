using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;
using ThreeFs.Kv;
using ThreeFs.Meta.Allocation;
using ThreeFs.Meta.Background;
using ThreeFs.Meta.Ops;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta;

/// <summary>
/// The metadata service: POSIX name space and attributes as records of a transactional key-value store. Holds no state that
/// another server would miss (only blocks of unused inode ids and a moment's free space), so any number of servers
/// answer side by side and any of them may die at any time. Each operation is a class of its own in <c>Ops/</c>. Thread-safe.
/// </summary>
/// <remarks>
/// What makes creating files in one directory scale: a new entry reads the directory's record and writes only its own keys and,
/// by atomic mutation, the directory's counters. It conflicts with the removal or a change of mode of the directory and with
/// the same name, and with nothing else.
/// </remarks>
public sealed class MetaService : IMetaService
{
    private const byte TruncateStep = 1;

    private readonly MetaServiceOptions _options;
    private readonly IKvEngine _engine;
    private readonly TimeProvider _time;
    private readonly IMetaObserver? _observer;
    private readonly TransactionRunner _runner;
    private readonly InodeIdAllocator _ids;
    private readonly LayoutAllocator _layouts;
    private readonly FileCut _cut;
    private readonly LengthReport _lengths;
    private readonly Append _append;
    private readonly StatFs _statFs;

    public MetaService(
        IKvEngine engine,
        IFileChunks chunks,
        IRoutingSource routing,
        MetaServiceOptions options,
        TimeProvider time,
        SeededRandom random,
        IMetaObserver? observer = null)
    {
        var retry = new KvRetry(engine, time, random.Fork());
        _options = options;
        _engine = engine;
        _time = time;
        _observer = observer;
        _runner = new TransactionRunner(retry, time, options.Durability, observer);
        _ids = new InodeIdAllocator(retry);
        _layouts = new LayoutAllocator(routing, random.Fork());
        _cut = new FileCut(_runner, chunks, time, random.Fork(), options.StoragePatience);
        _lengths = new LengthReport(_runner, chunks);
        _append = new Append(_runner, chunks);
        _statFs = new StatFs(chunks, _runner, time, options.SpaceCacheTime);
        Garbage = new GarbageCollector(_runner, chunks, options, observer);
        Sessions = new SessionPruner(_runner, _lengths, time, observer);
        Locks = new LockPruner(_runner, time);
        Requests = new RequestPruner(_runner);
    }

    /// <summary>Removes what was unlinked; somebody has to run its rounds.</summary>
    public GarbageCollector Garbage { get; }

    /// <summary>Ends sessions of dead clients; somebody has to run its rounds.</summary>
    public SessionPruner Sessions { get; }

    /// <summary>Gives back locks of dead clients; somebody has to run its rounds.</summary>
    public LockPruner Locks { get; }

    /// <summary>Forgets old requests; somebody has to run its rounds.</summary>
    public RequestPruner Requests { get; }

    /// <summary>Makes the root directory if there is none yet.</summary>
    public async ValueTask<Status> InitializeAsync(CancellationToken ct)
    {
        var status = LayoutAllocator.CheckTemplate(_options.RootLayout);
        if (!status.IsOk) return status;
        var context = ServiceContext.Instance;
        var made = await _runner.MaintainAsync(context, tx => Initialize.RunAsync(tx, _options.RootLayout), ct, KvDurability.Durable);
        return made.Status;
    }

    public ValueTask<Result<InodeAttr>> ResolveAsync(
        MetaContext context, InodeId start, ReadOnlyMemory<byte> path, bool followLast, CancellationToken ct) =>
        ReadAsync("resolve", context, new Resolve(start, path, followLast), ct);

    public ValueTask<Result<InodeAttr>> LookupAsync(MetaContext context, InodeId parent, FileName name, CancellationToken ct) =>
        ReadAsync("lookup", context, new Lookup(parent, name), ct);

    public ValueTask<Result<InodeAttr>> GetAttrAsync(MetaContext context, InodeId inode, CancellationToken ct) =>
        ReadAsync("get_attr", context, new GetAttr(inode), ct);

    public ValueTask<Result<ImmutableArray<Result<InodeAttr>>>> BatchGetAttrAsync(
        MetaContext context, ImmutableArray<InodeId> inodes, CancellationToken ct) =>
        ReadAsync("batch_get_attr", context, new BatchGetAttr(inodes), ct);

    public async ValueTask<Status> AccessAsync(MetaContext context, InodeId inode, AccessMode mode, CancellationToken ct) =>
        (await ReadAsync("access", context, new Access(inode, mode), ct)).Status;

    public ValueTask<Result<DirPage>> ReadDirectoryAsync(
        MetaContext context, InodeId directory, FileName? after, int limit, bool withAttr, CancellationToken ct) =>
        ReadAsync("read_directory", context, new ReadDirectory(directory, after, limit, withAttr), ct);

    public ValueTask<Result<InodeAttr>> SetAttrAsync(MetaContext context, InodeId inode, AttrChange change, CancellationToken ct)
    {
        var outcome = (change.Mask & SetAttrMask.Length) == 0
            ? _runner.WriteAsync(context, new SetAttr(inode, change, null), ct)
            : _cut.RunAsync(
                context, change.Length, new SetAttrCheck(inode, change), cut => new SetAttr(inode, change, cut), step: 0, ct);
        return AttrAsync("set_attr", outcome);
    }

    public async ValueTask<Result<OpenResult>> CreateAsync(
        MetaContext context, InodeId parent, FileName name, NewInode file, OpenFlags flags, SessionId session, CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        var draft = new InodeDraft(_ids, _layouts, file);
        var result = await _runner.WriteAsync(context, new Create(parent, name, draft, flags, session, ct), ct);
        if (result.IsOk && !result.Value.Flag && (flags & OpenFlags.Truncate) != 0)
            result = await OpenAndCutAsync(context, result.Value.First!.Id, flags, session, ct);
        Done("create", started, result.Code);
        return result.TryGet(out var outcome) ? new OpenResult(outcome.First!, outcome.Flag) : result.Status;
    }

    public ValueTask<Result<InodeAttr>> MakeNodeAsync(
        MetaContext context, InodeId parent, FileName name, NewInode node, CancellationToken ct) =>
        AttrAsync("make_node", _runner.WriteAsync(
            context, new MakeNode(parent, name, new InodeDraft(_ids, _layouts, node), ct), ct));

    public ValueTask<Result<InodeAttr>> LinkAsync(
        MetaContext context, InodeId inode, InodeId newParent, FileName newName, CancellationToken ct) =>
        AttrAsync("link", _runner.WriteAsync(context, new Link(inode, newParent, newName), ct));

    public ValueTask<Result<InodeAttr>> UnlinkAsync(
        MetaContext context, InodeId parent, FileName name, SessionId? keepOpenFor, CancellationToken ct) =>
        AttrAsync("unlink", _runner.WriteAsync(context, new Unlink(parent, name, keepOpenFor, _options.GarbageDelay), ct));

    public ValueTask<Result<InodeAttr>> RemoveDirectoryAsync(
        MetaContext context, InodeId parent, FileName name, CancellationToken ct) =>
        AttrAsync("remove_directory", _runner.WriteAsync(context, new RemoveDirectory(parent, name), ct));

    public ValueTask<Status> RemoveTreeAsync(MetaContext context, InodeId parent, FileName name, CancellationToken ct) =>
        StatusAsync("remove_tree", _runner.WriteAsync(context, new RemoveTree(parent, name, _options.TreeCheckLimit), ct));

    public async ValueTask<Result<RenameResult>> RenameAsync(
        MetaContext context, InodeId parent, FileName name, InodeId newParent, FileName newName, RenameFlags flags, CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        var result = await _runner.WriteAsync(
            context, new Rename(parent, name, newParent, newName, flags, _options.GarbageDelay), ct);
        Done("rename", started, result.Code);
        return result.TryGet(out var outcome) ? new RenameResult(outcome.First!, outcome.Second) : result.Status;
    }

    public ValueTask<Result<InodeAttr>> OpenAsync(
        MetaContext context, InodeId inode, OpenFlags flags, SessionId session, CancellationToken ct)
    {
        if (!Open.Changes(flags)) return ReadAsync("open", context, new OpenForReading(inode, flags), ct);
        return AttrAsync("open", (flags & OpenFlags.Truncate) != 0
            ? OpenAndCutAsync(context, inode, flags, session, ct)
            : _runner.WriteAsync(context, new Open(inode, flags, session, null), ct));
    }

    public ValueTask<Status> KeepOpenAsync(MetaContext context, InodeId inode, SessionId session, CancellationToken ct) =>
        StatusAsync("keep_open", _runner.WriteAsync(context, new KeepOpen(inode, session), ct));

    public async ValueTask<Result<InodeAttr>> CloseAsync(
        MetaContext context, InodeId inode, SessionId session, LengthHint hint, CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        var result = await _lengths.RunAsync(context, inode, hint, session, ct);
        Done("close", started, result.Code);
        return result;
    }

    public async ValueTask<Result<InodeAttr>> SyncAsync(
        MetaContext context, InodeId inode, LengthHint hint, bool durable, CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        var result = await _lengths.RunAsync(context, inode, hint, null, ct);
        if (result.IsOk && durable)
        {
            var flushed = await _engine.FlushAsync(ct);
            if (!flushed.IsOk) result = flushed;
        }

        Done("sync", started, result.Code);
        return result;
    }

    public ValueTask<Result<InodeAttr>> AppendAsync(MetaContext context, InodeId inode, long count, CancellationToken ct) =>
        AttrAsync("append", _append.RunAsync(context, inode, count, ct));

    public async ValueTask<Result<LockAnswer>> SetLockAsync(
        MetaContext context, InodeId inode, LockRequest request, CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        var result = await _runner.WriteAsync(context, new SetLock(inode, request), ct);
        Done("set_lock", started, result.Code);
        return result.TryGet(out var outcome) ? new LockAnswer(outcome.Flag, outcome.First) : result.Status;
    }

    public ValueTask<Result<FileLock?>> TestLockAsync(
        MetaContext context, InodeId inode, LockRequest request, CancellationToken ct) =>
        ReadAsync("test_lock", context, new TestLock(inode, request), ct);

    public async ValueTask<Status> PruneSessionsAsync(MetaContext context, ImmutableArray<SessionId> sessions, CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        var status = await new PruneSessions(_runner, _lengths).RunAsync(context, sessions, ct);
        Done("prune_sessions", started, status.Code);
        return status;
    }

    public async ValueTask<Status> FlushAsync(MetaContext context, CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        var status = await _engine.FlushAsync(ct);
        Done("flush", started, status.Code);
        return status;
    }

    public async ValueTask<Result<FileSystemSpace>> StatFsAsync(MetaContext context, CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        var result = await _statFs.RunAsync(context, ct);
        Done("stat_fs", started, result.Code);
        return result;
    }

    public ValueTask<Result<ReadOnlyMemory<byte>>> GetXattrAsync(
        MetaContext context, InodeId inode, FileName name, CancellationToken ct) =>
        ReadAsync("get_xattr", context, new GetXattr(inode, name), ct);

    public ValueTask<Status> SetXattrAsync(
        MetaContext context, InodeId inode, FileName name, ReadOnlyMemory<byte> value, int mode, CancellationToken ct) =>
        StatusAsync("set_xattr", _runner.WriteAsync(context, new SetXattr(inode, name, value, mode), ct));

    public ValueTask<Result<ImmutableArray<FileName>>> ListXattrAsync(MetaContext context, InodeId inode, CancellationToken ct) =>
        ReadAsync("list_xattr", context, new ListXattr(inode), ct);

    public ValueTask<Status> RemoveXattrAsync(MetaContext context, InodeId inode, FileName name, CancellationToken ct) =>
        StatusAsync("remove_xattr", _runner.WriteAsync(context, new RemoveXattr(inode, name), ct));

    /// <summary>A step of its own: the same request may have created or found the file in an earlier transaction.</summary>
    private ValueTask<Result<Outcome>> OpenAndCutAsync(
        MetaContext context, InodeId inode, OpenFlags flags, SessionId session, CancellationToken ct) =>
        _cut.RunAsync(context, 0, new OpenCheck(inode, flags), cut => new Open(inode, flags, session, cut), TruncateStep, ct);

    private async ValueTask<Result<T>> ReadAsync<T>(string operation, MetaContext context, IQuery<T> query, CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        var result = await _runner.ReadAsync(context, query, ct);
        Done(operation, started, result.Code);
        return result;
    }

    private async ValueTask<Result<InodeAttr>> AttrAsync(string operation, ValueTask<Result<Outcome>> running)
    {
        var started = _time.GetTimestamp();
        var result = await running;
        Done(operation, started, result.Code);
        return result.TryGet(out var outcome) ? outcome.First! : result.Status;
    }

    private async ValueTask<Status> StatusAsync(string operation, ValueTask<Result<Outcome>> running)
    {
        var started = _time.GetTimestamp();
        var result = await running;
        Done(operation, started, result.Code);
        return result.Status;
    }

    private void Done(string operation, long started, StatusCode code) =>
        _observer?.OperationDone(operation, code, _time.GetElapsedTime(started));
}
