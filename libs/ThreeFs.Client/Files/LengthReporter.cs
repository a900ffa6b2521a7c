using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Client.Files;

/// <summary>
/// Tells the metadata service how far files were written and when: on close and fsync, before attributes are set by
/// hand, and from time to time while a file stays open. A failed report leaves everything to the next one.
/// </summary>
internal sealed class LengthReporter(IMetaService meta, Func<UserInfo, MetaContext> context)
{
    /// <summary>Reports what there is, if anything.</summary>
    /// <param name="durable">Answer when the record is on stable storage, whether or not anything is new.</param>
    /// <param name="exact">Have storage asked for the length.</param>
    public async ValueTask<Status> ReportAsync(OpenInode inode, UserInfo user, bool durable, bool exact,
        CancellationToken ct)
    {
        var state = inode.Content.State;
        if (!durable && !exact && !state.IsDirty) return Status.Ok;
        if (!await inode.Reporting.EnterAsync(ct)) return StatusCode.Cancelled;
        try
        {
            var point = state.Begin(exact);
            if (point.IsEmpty && !durable) return Status.Ok;
            var result = await meta.SyncAsync(context(user), inode.Content.Inode, point.Hint, durable, ct);
            return Finish(inode, point, result, durable);
        }
        finally
        {
            inode.Reporting.Release();
        }
    }

    /// <summary>Reports and ends a session.</summary>
    public async ValueTask<Status> CloseAsync(OpenInode inode, UserInfo user, SessionId session, CancellationToken ct)
    {
        if (!await inode.Reporting.EnterAsync(ct)) return StatusCode.Cancelled;
        try
        {
            var point = inode.Content.State.Begin(exact: false);
            var result = await meta.CloseAsync(context(user), inode.Content.Inode, session, point.Hint, ct);
            return Finish(inode, point, result, durable: false);
        }
        finally
        {
            inode.Reporting.Release();
        }
    }

    private static Status Finish(OpenInode inode, SyncPoint point, Result<InodeAttr> result, bool durable)
    {
        if (!result.TryGet(out var attr)) return result.Status;
        inode.Content.State.End(point, attr, durable);
        inode.Learned();
        return Status.Ok;
    }
}
