using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// Tells the metadata service how far files were written and when: before close(2) returns, on fsync(2), before
/// attributes are set, and from time to time while a file stays open. One report of an inode at a time.
/// </summary>
internal sealed class LengthReporter(ClusterContext context)
{
    /// <summary>Reports if there is anything to report.</summary>
    public ValueTask<Status> ReportAsync(InodeState inode, MetaContext user, CancellationToken ct) =>
        inode.IsDirty ? RunAsync(inode, user, session: null, durable: false, ct) : new(Status.Ok);

    /// <summary>Reports, and answers when the inode's record is on stable storage.</summary>
    public ValueTask<Status> ReportDurablyAsync(InodeState inode, MetaContext user, CancellationToken ct) =>
        RunAsync(inode, user, session: null, durable: true, ct);

    /// <summary>Reports and ends the session.</summary>
    public ValueTask<Status> CloseAsync(InodeState inode, MetaContext user, SessionId session, CancellationToken ct) =>
        RunAsync(inode, user, session, durable: false, ct);

    private async ValueTask<Status> RunAsync(
        InodeState inode, MetaContext user, SessionId? session, bool durable, CancellationToken ct)
    {
        await inode.Reporting.WaitAsync(ct);
        try
        {
            var hint = inode.Hint(out var mark, out var writer);
            var asked = context.Now;
            var request = context.Again(writer ?? user);
            var result = session is { } ended
                ? await context.Meta.CloseAsync(request, inode.Id, ended, hint, ct)
                : await context.Meta.SyncAsync(request, inode.Id, hint, durable, ct);
            if (!result.TryGet(out var attr)) return result.Status;
            inode.Reported(attr, asked, mark, durable);
            return Status.Ok;
        }
        finally
        {
            inode.Reporting.Release();
        }
    }
}
