using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Allocation;

/// <summary>
/// An inode about to be made in a directory. Id and layout are drawn once and kept when the transaction is repeated.
/// Owner and group follow POSIX: the user's, except that a set-group-id directory passes its group on, to directories
/// together with the bit.
/// </summary>
internal sealed class InodeDraft(InodeIdAllocator ids, LayoutAllocator layouts, NewInode wanted)
{
    private InodeId? _id;
    private Layout? _layout;

    public InodeType Type => wanted.Type;

    /// <summary>What can be refused without looking at anything.</summary>
    public Status Check(UserInfo user)
    {
        switch (wanted.Type)
        {
            case InodeType.File or InodeType.Directory or InodeType.Fifo or InodeType.Socket:
                return Status.Ok;
            case InodeType.CharDevice or InodeType.BlockDevice:
                return user.IsRoot ? Status.Ok : new Status(StatusCode.NotPermitted, "only root makes devices");
            case InodeType.Symlink when wanted.SymlinkTarget.IsEmpty:
                return new Status(StatusCode.NotFound, "a symlink's target is not empty");
            case InodeType.Symlink:
                return wanted.SymlinkTarget.Length <= PosixLimits.MaxSymlinkTarget ? Status.Ok : StatusCode.NameTooLong;
            default:
                return new Status(StatusCode.InvalidArgument, $"{wanted.Type} is not a type of inode");
        }
    }

    public async ValueTask<Result<InodeAttr>> MakeAsync(MetaTransaction tx, InodeAttr parent, CancellationToken ct)
    {
        var layout = LayoutIn(parent);
        if (!layout.IsOk) return layout.Status;
        if (_id is null)
        {
            var id = await ids.NextAsync(ct);
            if (!id.IsOk) return id.Status;
            _id = id.Value;
        }

        var isDirectory = wanted.Type == InodeType.Directory;
        var isDevice = wanted.Type is InodeType.CharDevice or InodeType.BlockDevice;
        var isSymlink = wanted.Type == InodeType.Symlink;
        var gid = (parent.Mode & Mode.SetGid) != 0 ? parent.Gid : tx.User.Gid;
        return new InodeAttr(
            _id.Value, wanted.Type, ModeIn(tx.User, parent, gid), tx.User.Uid, gid,
            LinkCount: isDirectory ? 0u : 1u,
            Length: isSymlink ? wanted.SymlinkTarget.Length : 0,
            tx.Now, tx.Now, tx.Now, default,
            Device: isDevice ? wanted.Device : 0,
            layout.Value,
            SymlinkTarget: isSymlink ? wanted.SymlinkTarget : default,
            Parent: isDirectory ? parent.Id : default,
            InodeFlags.None);
    }

    private uint ModeIn(UserInfo user, InodeAttr parent, uint gid)
    {
        if (wanted.Type == InodeType.Symlink) return 0x1FF;
        var mode = wanted.Mode & Mode.All;
        if (wanted.Type == InodeType.Directory) return (parent.Mode & Mode.SetGid) != 0 ? mode | Mode.SetGid : mode;
        const uint groupProgram = Mode.SetGid | Mode.GroupExecute;
        var foreign = !user.IsRoot && !user.InGroup(gid);
        return foreign && (mode & groupProgram) == groupProgram ? mode & ~Mode.SetGid : mode;
    }

    private Result<Layout?> LayoutIn(InodeAttr parent)
    {
        if (wanted.Type == InodeType.Directory)
        {
            if (wanted.Layout is null) return parent.Layout;
            var status = LayoutAllocator.CheckTemplate(wanted.Layout);
            return status.IsOk ? wanted.Layout : status;
        }

        if (wanted.Type != InodeType.File) return (Layout?)null;
        if (_layout is not null) return _layout;
        if (wanted.Layout is null && parent.Layout is null)
            return new Status(StatusCode.InvalidLayout, $"directory {parent.Id} has no layout for new files");
        var allocated = wanted.Layout is null ? layouts.FromTemplate(parent.Layout!) : layouts.Stated(wanted.Layout);
        if (!allocated.IsOk) return allocated.Status;
        return _layout = allocated.Value;
    }
}
