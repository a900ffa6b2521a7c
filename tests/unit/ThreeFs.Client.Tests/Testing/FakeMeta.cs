using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Client.Tests.Testing;

/// <summary>The part of the metadata service that files need: one directory, sessions, lengths with truncate
/// versions.</summary>
internal sealed class FakeMeta(IFileChunks chunks, TimeProvider time) : IMetaService
{
    private ulong _next = 0x5000;

    public Dictionary<InodeId, InodeAttr> Inodes { get; } = [];
    public Dictionary<string, InodeId> Names { get; } = [];
    public HashSet<(InodeId Inode, SessionId Session)> Sessions { get; } = [];
    public List<string> Calls { get; } = [];

    /// <summary>Code that the next call of a method fails with.</summary>
    public Dictionary<string, StatusCode> FailNext { get; } = [];

    /// <summary>Sessions are registered when this is done.</summary>
    public Task? BeforeKeepOpen { get; set; }

    public Layout Layout { get; set; } = FileContentLayout();

    private static Layout FileContentLayout() => new(new ChainTableId(1), new ChainTableVersion(1), 1 << 16, 3, 0, 0);

    public async ValueTask<Result<OpenResult>> CreateAsync(
        MetaContext context, InodeId parent, FileName name, NewInode file, OpenFlags flags, SessionId session, CancellationToken ct)
    {
        if (Failed("create") is { } code) return code;
        if (!Names.TryGetValue(name.ToString(), out var id))
        {
            id = new InodeId(_next++);
            Names[name.ToString()] = id;
            Inodes[id] = new InodeAttr(
                id, InodeType.File, file.Mode, 0, 0, 1, 0, default, default, default, default, 0, Layout, default, default, default);
            if ((flags & OpenFlags.Write) != 0) Sessions.Add((id, session));
            return new OpenResult(Inodes[id], true);
        }

        if ((flags & OpenFlags.Exclusive) != 0) return StatusCode.AlreadyExists;
        var opened = await OpenAsync(context, id, flags, session, ct);
        return opened.TryGet(out var attr) ? new OpenResult(attr, false) : opened.Status;
    }

    public async ValueTask<Result<InodeAttr>> OpenAsync(
        MetaContext context, InodeId inode, OpenFlags flags, SessionId session, CancellationToken ct)
    {
        if (Failed("open") is { } code) return code;
        if (!Inodes.TryGetValue(inode, out var attr)) return StatusCode.NotFound;
        if ((flags & OpenFlags.Write) != 0) Sessions.Add((inode, session));
        return (flags & OpenFlags.Truncate) != 0 ? await CutAsync(attr, 0, ct) : attr;
    }

    public ValueTask<Result<InodeAttr>> GetAttrAsync(MetaContext context, InodeId inode, CancellationToken ct)
    {
        if (Failed("getattr") is { } code) return new(code);
        return new(Inodes.TryGetValue(inode, out var attr) ? attr : StatusCode.NotFound);
    }

    public async ValueTask<Result<InodeAttr>> SetAttrAsync(MetaContext context, InodeId inode, AttrChange change,
        CancellationToken ct)
    {
        if (Failed("setattr") is { } code) return code;
        var attr = Inodes[inode];
        if ((change.Mask & SetAttrMask.ModifyTime) != 0)
            Inodes[inode] = attr = attr with { ModifyTime = change.ModifyTime, ChangeTime = Now };
        return (change.Mask & SetAttrMask.Length) != 0 ? await CutAsync(attr, change.Length, ct) : attr;
    }

    public ValueTask<Result<InodeAttr>> UnlinkAsync(
        MetaContext context, InodeId parent, FileName name, SessionId? keepOpenFor, CancellationToken ct)
    {
        if (Failed("unlink") is { } code) return new(code);
        if (!Names.Remove(name.ToString(), out var id)) return new(StatusCode.NotFound);
        Inodes[id] = Inodes[id] with { LinkCount = 0 };
        if (keepOpenFor is { } session) Sessions.Add((id, session));
        Collect(id);
        return new(Inodes.GetValueOrDefault(id) ?? FilesGone(id));
    }

    public async ValueTask<Status> KeepOpenAsync(MetaContext context, InodeId inode, SessionId session, CancellationToken ct)
    {
        if (Failed("keepopen") is { } code) return code;
        if (BeforeKeepOpen is { } wait) await wait;
        Sessions.Add((inode, session));
        return Status.Ok;
    }

    public async ValueTask<Result<InodeAttr>> CloseAsync(
        MetaContext context, InodeId inode, SessionId session, LengthHint hint, CancellationToken ct)
    {
        if (Failed("close") is { } code) return code;
        var result = await ReportAsync(inode, hint, ct);
        Sessions.Remove((inode, session));
        Collect(inode);
        return result;
    }

    public ValueTask<Result<InodeAttr>> SyncAsync(MetaContext context, InodeId inode, LengthHint hint, bool durable,
        CancellationToken ct) =>
        Failed(durable ? "sync durable" : "sync") is { } code ? new(code) : ReportAsync(inode, hint, ct);

    public async ValueTask<Result<InodeAttr>> AppendAsync(MetaContext context, InodeId inode, long count,
        CancellationToken ct)
    {
        if (Failed("append") is { } code) return code;
        if (!Inodes.TryGetValue(inode, out var attr)) return StatusCode.NotFound;
        var stored = await chunks.QueryLengthAsync(inode, attr.Layout!, ct);
        if (!stored.IsOk) return stored.Status;
        return Inodes[inode] = attr with { Length = Math.Max(attr.Length, stored.Value) + count };
    }

    public ValueTask<Result<LockAnswer>> SetLockAsync(MetaContext context, InodeId inode, LockRequest request,
        CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Result<FileLock?>> TestLockAsync(MetaContext context, InodeId inode, LockRequest request,
        CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Status> PruneSessionsAsync(MetaContext context, ImmutableArray<SessionId> sessions,
        CancellationToken ct)
    {
        if (Failed("prune") is { } code) return new(code);
        Sessions.RemoveWhere(s => sessions.Contains(s.Session));
        return new(Status.Ok);
    }

    public ValueTask<Status> FlushAsync(MetaContext context, CancellationToken ct) =>
        new(Failed("flush") ?? StatusCode.Ok);

    private FileTime Now => FileTime.From(time.GetUtcNow());

    private static InodeAttr FilesGone(InodeId id) =>
        new(id, InodeType.File, 0, 0, 0, 0, 0, default, default, default, default, 0, null, default, default, default);

    private StatusCode? Failed(string call)
    {
        Calls.Add(call);
        return FailNext.Remove(call, out var code) ? code : null;
    }

    private async ValueTask<Result<InodeAttr>> CutAsync(InodeAttr attr, long length, CancellationToken ct)
    {
        var status = await chunks.TruncateAsync(attr.Id, attr.Layout!, length, new CutOrder(time), ct);
        if (!status.IsOk) return status;
        return Inodes[attr.Id] =
            attr with { Length = length, TruncateVersion = attr.TruncateVersion.Next, ModifyTime = Now,
                ChangeTime = Now };
    }

    private async ValueTask<Result<InodeAttr>> ReportAsync(InodeId inode, LengthHint hint, CancellationToken ct)
    {
        if (!Inodes.TryGetValue(inode, out var attr)) return StatusCode.NotFound;
        var known = hint.WrittenEnd;
        if (hint.Exact || (known >= 0 && hint.TruncateVersion != attr.TruncateVersion))
        {
            var asked = await chunks.QueryLengthAsync(inode, attr.Layout!, ct);
            if (!asked.TryGet(out known)) return asked.Status;
        }

        if (known > attr.Length) attr = attr with { Length = known };
        if (hint.ModifyTime is { } written && written.CompareTo(attr.ChangeTime) > 0)
            attr = attr with { ModifyTime = written, ChangeTime = written };
        return Inodes[inode] = attr;
    }

    private void Collect(InodeId inode)
    {
        if (Inodes.TryGetValue(inode, out var attr) && attr.LinkCount == 0 && !Sessions.Any(s => s.Inode == inode))
            Inodes.Remove(inode);
    }

    public ValueTask<Result<InodeAttr>> ResolveAsync(MetaContext context, InodeId start, ReadOnlyMemory<byte> path,
        bool followLast, CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Result<InodeAttr>> LookupAsync(MetaContext context, InodeId parent, FileName name,
        CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Result<ImmutableArray<Result<InodeAttr>>>> BatchGetAttrAsync(MetaContext context,
        ImmutableArray<InodeId> inodes, CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Status> AccessAsync(MetaContext context, InodeId inode, AccessMode mode, CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Result<InodeAttr>> MakeNodeAsync(MetaContext context, InodeId parent, FileName name, NewInode node,
        CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Result<InodeAttr>> LinkAsync(MetaContext context, InodeId inode, InodeId newParent,
        FileName newName, CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Result<InodeAttr>> RemoveDirectoryAsync(MetaContext context, InodeId parent, FileName name,
        CancellationToken ct) => throw new NotSupportedException();

    public ValueTask<Status> RemoveTreeAsync(MetaContext context, InodeId parent, FileName name,
        CancellationToken ct) => throw new NotSupportedException();

    public ValueTask<Result<RenameResult>> RenameAsync(
        MetaContext context, InodeId parent, FileName name, InodeId newParent, FileName newName, RenameFlags flags, CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Result<DirPage>> ReadDirectoryAsync(
        MetaContext context, InodeId directory, FileName? after, int limit, bool withAttr, CancellationToken ct) =>
            throw new NotSupportedException();

    public ValueTask<Result<FileSystemSpace>> StatFsAsync(MetaContext context, CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Result<ReadOnlyMemory<byte>>> GetXattrAsync(MetaContext context, InodeId inode, FileName name,
        CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Status> SetXattrAsync(MetaContext context, InodeId inode, FileName name,
        ReadOnlyMemory<byte> value, int mode, CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Result<ImmutableArray<FileName>>> ListXattrAsync(MetaContext context, InodeId inode,
        CancellationToken ct) =>
        throw new NotSupportedException();

    public ValueTask<Status> RemoveXattrAsync(MetaContext context, InodeId inode, FileName name,
        CancellationToken ct) => throw new NotSupportedException();
}
