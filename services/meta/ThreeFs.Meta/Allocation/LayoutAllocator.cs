using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Meta.Allocation;

/// <summary>
/// Decides where a new file's chunks will live. A directory's layout is a template: table, chunk size and stripe; each file gets
/// the table's newest version, the next chains round robin (from a random start, so that servers do not march in step) and
/// a shuffle of its own. A layout that a caller states in full is checked and taken as it is. Thread-safe.
/// </summary>
internal sealed class LayoutAllocator(IRoutingSource routing, SeededRandom random)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ChainTableId, uint> _next = [];

    public Result<Layout> FromTemplate(Layout template)
    {
        if (!template.IsValid) return new Status(StatusCode.InvalidLayout, $"the directory's layout {template} is not valid");
        var current = routing.Current;
        if (current.ChainTable(template.Table) is not { Chains.Length: > 0 } table)
        {
            routing.RequestRefresh();
            return current.Version.Value == 0
                ? new Status(StatusCode.RoutingNotReady, "no routing has been received from the cluster manager yet")
                : new Status(StatusCode.RoutingNotReady, $"chain table {template.Table} has no chains in routing version {current.Version}");
        }

        var size = (uint)table.Chains.Length;
        var stripe = Math.Min(template.StripeSize, size);
        lock (_lock)
        {
            if (!_next.TryGetValue(template.Table, out var next)) next = (uint)random.NextBelow(size);
            _next[template.Table] = (next + stripe) % size;
            return template with
            {
                TableVersion = table.Version, StripeSize = stripe, BaseIndex = next % size, Seed = random.NextUInt64() | 1,
            };
        }
    }

    public Result<Layout> Stated(Layout layout)
    {
        if (layout.TableVersion.Value == 0) return FromTemplate(layout);
        var placement = Placement.Resolve(layout, routing.Current);
        return placement.IsOk ? layout : placement.Status;
    }

    /// <summary>Whether a directory may carry it.</summary>
    public static Status CheckTemplate(Layout layout) =>
        layout.IsValid ? Status.Ok : new Status(StatusCode.InvalidLayout, $"layout {layout} is not valid");
}
