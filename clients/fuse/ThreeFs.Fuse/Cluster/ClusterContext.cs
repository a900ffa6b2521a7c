using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>What the operations of a mounted cluster share.</summary>
internal sealed class ClusterContext(
    IMetaService meta, IContentSource contents, ClientId client, ClusterOptions options, TimeProvider time, ILogger log)
{
    private readonly CallerGroups _groups = new(time);

    public IMetaService Meta { get; } = meta;
    public IContentSource Contents { get; } = contents;
    public ClusterOptions Options { get; } = options;
    public TimeProvider Time { get; } = time;
    public ILogger Log { get; } = log;
    public InodeTable Inodes { get; } = new(time);
    public ClientId Client { get; } = client;
    public LockTable Locks { get; } = new();
    public StaleOpens StaleOpens { get; } = new(time);
    public HandleTable<OpenFile> Files { get; } = new();
    public HandleTable<OpenDirectory> Directories { get; } = new();

    public long Now => Time.GetTimestamp();

    public FileTime Clock => FileTime.From(Time.GetUtcNow());

    /// <summary>The mount itself, for what no caller waits for.</summary>
    public MetaContext Self() => new(UserInfo.Root, Client, NewRequest());

    /// <summary>The caller of a request.</summary>
    public MetaContext User(FuseRequest request)
    {
        var header = request.Header;
        var user = header is { Uid: 0, Gid: 0 }
            ? UserInfo.Root
            : new UserInfo(header.Uid, header.Gid, _groups.Of(header));
        return new MetaContext(user, Client, NewRequest());
    }

    /// <summary>The same user in another request.</summary>
    public MetaContext Again(MetaContext context) => context with { Request = NewRequest() };

    public SessionId NewSession() => new(Guid.NewGuid());

    /// <summary>Answers with a name's inode, which the kernel then knows once more.</summary>
    public Errno ReplyEntry(FuseRequest request, FileName name, InodeAttr attr, long asked) =>
        request.Reply(Entry(InodeTable.IdOf(request.Node), name, attr, asked));

    public FuseEntryOut Entry(InodeId parent, FileName name, InodeAttr attr, long asked)
    {
        var state = Inodes.Told(attr, asked);
        if (!name.IsDot && !name.IsDotDot) state.Name = new EntryName(parent, name);
        return Wire.Entry(state.Tell(), Options);
    }

    public Errno ReplyAttr(FuseRequest request, InodeAttr attr, long asked)
    {
        if (Inodes.Find(attr.Id) is { } state)
        {
            state.Merge(attr, asked);
            attr = state.Tell();
        }

        return request.Reply(Wire.AttrOut(attr, Options));
    }

    /// <summary>The error number of a failure; what programs see as a mere I/O error is explained in the log.</summary>
    public Errno Fail(FuseRequest request, Status status)
    {
        var errno = ErrnoMap.Of(status.Code);
        if (errno == Errno.EIO) Fuse.Log.OperationFailed(Log, request.Opcode, request.Node, status);
        return errno;
    }

    /// <summary>
    /// The same for an operation on an inode and not on a name: when it is gone, the kernel is to look the name up again
    /// that led there, for it may lead elsewhere by now.
    /// </summary>
    public Errno FailInode(FuseRequest request, Status status) =>
        status.Code == StatusCode.NotFound ? Errno.ESTALE : Fail(request, status);

    /// <summary>
    /// The inode as the metadata service knows it now, for an open by a name that the kernel may only remember:
    /// <see cref="StatusCode.StaleHandle"/> when the name it was told last leads elsewhere. (Of several names another one
    /// may be meant: looking it up again settles that too.)
    /// </summary>
    public async ValueTask<Result<InodeAttr>> RefreshByNameAsync(FuseRequest request, InodeId id)
    {
        if (Inodes.Find(id) is not { Name: { } name } state) return await RefreshAsync(request, id);
        var asked = Now;
        var found = await Meta.LookupAsync(Self(), name.Parent, name.Name, request.Cancellation);
        if (!found.TryGet(out var attr) && found.Code is not (StatusCode.NotFound or StatusCode.NotDirectory)) return found;
        if (attr?.Id != id) return new Status(StatusCode.StaleHandle, $"\"{name.Name}\" leads to inode {id} no more");
        state.Merge(attr, asked);
        return attr;
    }

    /// <summary>The inode as the metadata service knows it now.</summary>
    public async ValueTask<Result<InodeAttr>> RefreshAsync(FuseRequest request, InodeId id)
    {
        var asked = Now;
        var found = await Meta.GetAttrAsync(User(request), id, request.Cancellation);
        if (found.TryGet(out var attr)) Inodes.Find(id)?.Merge(attr, asked);
        return found;
    }

    /// <summary>What this mount knows of the inode, asked for if necessary.</summary>
    public async ValueTask<Result<InodeAttr>> AttrOfAsync(FuseRequest request, InodeId id)
    {
        if (Inodes.Find(id) is { } state && state.IsFresh(Options.AttrTimeout)) return state.Attr;
        return await RefreshAsync(request, id);
    }

    private static RequestId NewRequest() => new(Guid.NewGuid());
}
