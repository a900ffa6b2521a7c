using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// write(2) with O_APPEND. The offset that the kernel sends is the end it believes in, which other clients may have moved;
/// the metadata service reserves the place instead, so appends of any mounts follow each other without a gap or an overlap.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>Atomic is what one request carries, 1 MiB: the kernel splits larger writes, and appends of other mounts may come
/// in between.</item>
/// <item>A write that fails, or a mount that dies, after the reservation leaves a hole of zeros.</item>
/// <item>Beside a truncation through another mount an append may keep its place, with a hole before it.</item>
/// <item>RWF_APPEND without O_APPEND is a write at the end that the kernel knows; RWF_NOAPPEND appends all the same: the
/// kernel does not tell.</item>
/// </list>
/// </remarks>
internal sealed class Appends(ClusterContext context, LengthReporter reporter)
{
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Errno> WriteAsync(FuseRequest request, OpenFile file, FuseWriteIn a, IoMemory data)
    {
        // Written through this mount at other places: the end that is reserved behind includes it.
        if (file.Inode.IsEndUntold)
        {
            var told = await reporter.ReportAsync(file.Inode, file.User, request.Cancellation);
            if (!told.IsOk) return context.Fail(request, told);
        }

        var asked = context.Now;
        var reserved = await context.Meta.AppendAsync(
            context.Again(file.User), file.Inode.Id, a.Size, request.Cancellation);
        if (!reserved.TryGet(out var attr)) return context.Fail(request, reserved.Status);
        file.Inode.Merge(attr, asked);
        var offset = attr.Length - a.Size;
        var code = await file.Content.WriteAsync(offset, data, request.Cancellation);
        if (offset != (long)a.Offset) ForgetWhatTheKernelBelieves(request, file);
        if (code != StatusCode.Ok)
        {
            file.Inode.WriteFailed(context.Clock, file.User);
            return context.Fail(request, code);
        }

        // Told once more with the next report: only after that do others know that the reserved bytes have come.
        file.Inode.Written(attr.Length, attr.TruncateVersion, context.Clock, file.User);
        Metrics.WrittenBytes.Inc(a.Size);
        if (a.WriteFlags.HasFlag(FuseWriteFlags.KillSuidGid)) await Privileges.KillAsync(context, request, file.Inode);
        return request.Reply(new FuseWriteOut { Size = a.Size });
    }

    /// <summary>
    /// The kernel takes the end of the file to be behind the offset it sent. It has put the bytes into its page cache there
    /// if O_APPEND was added by fcntl(2) after the open.
    /// </summary>
    private static void ForgetWhatTheKernelBelieves(FuseRequest request, OpenFile file)
    {
        request.Session.ForgetAttributes(request.Node);
        if (!file.IsDirect) _ = request.Session.ForgetContentAsync(request.Node);
    }
}
