namespace ThreeFs.Fuse.Cluster;

/// <summary>How a mounted cluster behaves towards the kernel.</summary>
internal sealed record ClusterOptions
{
    public TimeSpan AttrTimeout { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan EntryTimeout { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan NegativeTimeout { get; init; } = TimeSpan.Zero;
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(5);
    public TimeSpan KeepOpenAfter { get; init; } = TimeSpan.FromSeconds(5);
}
