using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// A write by somebody without CAP_FSETID takes set-user-id and set-group-id away; the kernel says when. A failure is
/// logged: the report of the write does it once more.
/// </summary>
internal static class Privileges
{
    private const uint SetUid = 0x800, SetGid = 0x400, GroupExecute = 0x8;

    public static ValueTask KillAsync(ClusterContext context, FuseRequest request, InodeState inode)
    {
        var mode = inode.Mode;
        var left = mode & ~SetUid;
        if ((mode & GroupExecute) != 0) left &= ~SetGid;
        return left == mode ? default : SetModeAsync(context, request, inode, left);
    }

    private static async ValueTask SetModeAsync(
        ClusterContext context, FuseRequest request, InodeState inode, uint mode)
    {
        var asked = context.Now;
        var change = new AttrChange(SetAttrMask.Mode) { Mode = mode };
        var result = await context.Meta.SetAttrAsync(context.Self(), inode.Id, change, request.Cancellation);
        if (result.TryGet(out var attr))
        {
            inode.Merge(attr, asked);
            request.Session.ForgetAttributes(request.Node);
        }
        else
        {
            Log.OperationFailed(context.Log, request.Opcode, request.Node, result.Status);
        }
    }
}
