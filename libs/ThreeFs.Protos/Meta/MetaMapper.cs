using System.Collections.Immutable;
using Google.Protobuf;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Protos.Meta;

/// <summary>
/// Between the contract's types and the messages, without loss in either direction. What a message cannot express in the
/// contract (an id that is not 16 bytes long) is refused as <see cref="StatusCode.InvalidArgument"/>; everything else
/// is left to the service's own checks.
/// </summary>
public static class MetaMapper
{
    public static ByteString ToBytes(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes);
        return ByteString.CopyFrom(bytes);
    }

    public static ByteString ToBytes(FileName name) => ToBytes(name.Bytes);

    /// <summary>Shares the memory: the caller does not change it while the message lives.</summary>
    public static ByteString ToBytes(ReadOnlyMemory<byte> bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    public static FileName ToName(ByteString bytes) => new(bytes.Memory);

    public static bool TryReadId(ByteString bytes, out Guid id)
    {
        id = default;
        if (bytes.Length != 16) return false;
        id = new Guid(bytes.Span);
        return true;
    }

    public static Context ToProto(MetaContext context)
    {
        var user = new User { Uid = context.User.Uid, Gid = context.User.Gid };
        user.Groups.AddRange(context.User.Groups);
        return new Context { User = user, Client = ToBytes(context.Client.Value), Request = ToBytes(context.Request.Value) };
    }

    public static Result<MetaContext> FromProto(Context? context)
    {
        if (context?.User is null) return new Status(StatusCode.InvalidArgument, "a request carries a context with a user");
        if (!TryReadId(context.Client, out var client) || !TryReadId(context.Request, out var request))
            return new Status(StatusCode.InvalidArgument, "client and request ids are 16 bytes");
        var user = new UserInfo(context.User.Uid, context.User.Gid, [.. context.User.Groups]);
        return new MetaContext(user, new ClientId(client), new RequestId(request));
    }

    public static FileLayout? ToProto(Layout? layout) => layout is null ? null : new FileLayout
    {
        Table = layout.Table.Value,
        TableVersion = layout.TableVersion.Value,
        ChunkSize = layout.ChunkSize,
        StripeSize = layout.StripeSize,
        BaseIndex = layout.BaseIndex,
        Seed = layout.Seed,
    };

    public static Layout? FromProto(FileLayout? layout) => layout is null ? null : new Layout(
        new ChainTableId(layout.Table), new ChainTableVersion(layout.TableVersion), layout.ChunkSize, layout.StripeSize,
        layout.BaseIndex, layout.Seed);

    public static Attr? ToProto(InodeAttr? attr) => attr is null ? null : new Attr
    {
        Id = attr.Id.Value,
        Type = (uint)attr.Type,
        Mode = attr.Mode,
        Uid = attr.Uid,
        Gid = attr.Gid,
        LinkCount = attr.LinkCount,
        Length = attr.Length,
        AccessTime = attr.AccessTime.Nanoseconds,
        ModifyTime = attr.ModifyTime.Nanoseconds,
        ChangeTime = attr.ChangeTime.Nanoseconds,
        TruncateVersion = attr.TruncateVersion.Value,
        Device = attr.Device,
        Layout = ToProto(attr.Layout),
        SymlinkTarget = ToBytes(attr.SymlinkTarget),
        Parent = attr.Parent.Value,
        Flags = (uint)attr.Flags,
        DataVersion = attr.DataVersion,
    };

    public static InodeAttr? FromProto(Attr? attr) => attr is null ? null : new InodeAttr(
        new InodeId(attr.Id), (InodeType)attr.Type, attr.Mode, attr.Uid, attr.Gid, attr.LinkCount, attr.Length,
        new FileTime(attr.AccessTime), new FileTime(attr.ModifyTime), new FileTime(attr.ChangeTime),
        new TruncateVersion(attr.TruncateVersion), attr.Device, FromProto(attr.Layout), attr.SymlinkTarget.Memory,
        new InodeId(attr.Parent), (InodeFlags)attr.Flags) { DataVersion = attr.DataVersion };

    public static NewNode ToProto(NewInode node) => new()
    {
        Type = (uint)node.Type,
        Mode = node.Mode,
        Device = node.Device,
        SymlinkTarget = ToBytes(node.SymlinkTarget),
        Layout = ToProto(node.Layout),
    };

    public static NewInode FromProto(NewNode? node) => node is null ? new NewInode(0, 0) : new NewInode((InodeType)node.Type, node.Mode)
    {
        Device = node.Device,
        SymlinkTarget = node.SymlinkTarget.Memory,
        Layout = FromProto(node.Layout),
    };

    public static Change ToProto(AttrChange change) => new()
    {
        Mask = (uint)change.Mask,
        Mode = change.Mode,
        Uid = change.Uid,
        Gid = change.Gid,
        AccessTime = change.AccessTime.Nanoseconds,
        ModifyTime = change.ModifyTime.Nanoseconds,
        Layout = ToProto(change.Layout),
        Flags = (uint)change.Flags,
        Length = change.Length,
    };

    public static AttrChange FromProto(Change? change) => change is null
        ? new AttrChange(SetAttrMask.None)
        : new AttrChange((SetAttrMask)change.Mask)
        {
            Mode = change.Mode,
            Uid = change.Uid,
            Gid = change.Gid,
            AccessTime = new FileTime(change.AccessTime),
            ModifyTime = new FileTime(change.ModifyTime),
            Layout = FromProto(change.Layout),
            Flags = (InodeFlags)change.Flags,
            Length = change.Length,
        };

    public static Hint ToProto(LengthHint hint)
    {
        var message = new Hint { WrittenEnd = hint.WrittenEnd, TruncateVersion = hint.TruncateVersion.Value, Exact = hint.Exact };
        if (hint.ModifyTime is { } modify) message.ModifyTime = modify.Nanoseconds;
        if (hint.AccessTime is { } access) message.AccessTime = access.Nanoseconds;
        return message;
    }

    public static LengthHint FromProto(Hint? hint) => hint is null ? LengthHint.Nothing : new LengthHint(
        hint.WrittenEnd, new TruncateVersion(hint.TruncateVersion), hint.Exact,
        hint.HasModifyTime ? new FileTime(hint.ModifyTime) : null, hint.HasAccessTime ? new FileTime(hint.AccessTime) : null);

    public static LockRequestMessage ToProto(MetaContext context, InodeId inode, LockRequest request) => new()
    {
        Context = ToProto(context),
        Inode = inode.Value,
        Kind = (uint)request.Kind,
        Owner = request.Owner,
        Type = (uint)request.Type,
        Start = request.Start,
        End = request.End,
        Pid = request.Pid,
    };

    public static LockRequest FromProto(LockRequestMessage m) =>
        new((LockKind)m.Kind, m.Owner, (LockType)m.Type, m.Start, m.End, m.Pid);

    public static HeldLock? ToProto(FileLock? held) => held is null ? null : new HeldLock
    {
        Client = ToBytes(held.Client.Value),
        Owner = held.Owner,
        Type = (uint)held.Type,
        Start = held.Start,
        End = held.End,
        Pid = held.Pid,
        Since = held.Since.Nanoseconds,
    };

    /// <summary>Null for no lock; a client id that cannot be read is nobody's.</summary>
    public static FileLock? FromProto(HeldLock? held) => held is null ? null : new FileLock(
        TryReadId(held.Client, out var client) ? new ClientId(client) : default, held.Owner, (LockType)held.Type,
        held.Start, held.End, held.Pid, new FileTime(held.Since));

    public static PageReply ToProto(DirPage page)
    {
        var message = new PageReply { End = page.End };
        foreach (var entry in page.Entries)
        {
            message.Entries.Add(new Entry
            {
                Name = ToBytes(entry.Name), Inode = entry.Inode.Value, Type = (uint)entry.Type, Attr = ToProto(entry.Attr),
            });
        }

        return message;
    }

    public static DirPage FromProto(PageReply page)
    {
        var entries = ImmutableArray.CreateBuilder<DirEntry>(page.Entries.Count);
        foreach (var entry in page.Entries)
            entries.Add(new DirEntry(ToName(entry.Name), new InodeId(entry.Inode), (InodeType)entry.Type, FromProto(entry.Attr)));
        return new DirPage(entries.MoveToImmutable(), page.End);
    }

    public static SpaceReply ToProto(FileSystemSpace space) => new()
    {
        CapacityBytes = space.CapacityBytes, FreeBytes = space.FreeBytes, UsedBytes = space.UsedBytes, Inodes = space.Inodes,
    };

    public static FileSystemSpace FromProto(SpaceReply space) =>
        new(space.CapacityBytes, space.FreeBytes, space.UsedBytes, space.Inodes);
}
