using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Client.Storage;

/// <summary>
/// Resolves layouts against the newest routing. A table that is not there yet (a process that just started, a table
/// just written) is waited for, a bounded time; a layout that does not fit its table fails at once.
/// </summary>
internal sealed class PlacementResolver(IRoutingSource routing, TimeProvider time)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);

    public async ValueTask<Result<Placement>> ResolveAsync(Layout layout, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var resolved = Placement.Resolve(layout, routing.Current);
            if (resolved.Code != StatusCode.ChainTableNotFound || time.GetElapsedTime(started) >= _patience)
                return resolved;
            routing.RequestRefresh();
            if (!await time.PauseAsync(_pause, ct))
                return new Status(StatusCode.Cancelled, $"gave up waiting for chain table {layout.Table}");
        }
    }
}
