namespace ThreeFs.Cluster.Tests.Harness;

/// <summary>A default cluster that tests which leave it healthy share; each works in a directory of its own on the mount.</summary>
public sealed class SharedCluster : IAsyncLifetime
{
    public Cluster Cluster { get; private set; } = null!;

    public async Task InitializeAsync() => Cluster = await Cluster.StartAsync();

    public async Task DisposeAsync() => await Cluster.DisposeAsync();

    /// <summary>A new directory on the mount.</summary>
    public string NewDirectory(string name) =>
        Directory.CreateDirectory(Path.Combine(Cluster.Mount, $"{name}-{Guid.NewGuid():N}")).FullName;
}

[CollectionDefinition(Name)]
public sealed class SharedClusterCollection : ICollectionFixture<SharedCluster>
{
    public const string Name = "one cluster";
}
