using System.Text;
using ThreeFs.FdbStandIn;
using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Tests;

/// <summary>A database of the stand-in under the binding itself, and short words.</summary>
[Collection(StandIn.Collection)]
public abstract class BindingTestBase : IAsyncLifetime
{
    private readonly StandInCluster _cluster = new();
    private FdbKvEngine _engine = null!;

    internal FdbDatabase Database { get; private set; } = null!;

    internal StandInCluster Cluster => _cluster;

    public async Task InitializeAsync()
    {
        // Opening an engine loads the library and starts its network.
        _engine = await _cluster.OpenAsync();
        Database = FdbDatabase.Open(_cluster.ClusterFile).Value;
    }

    public async Task DisposeAsync()
    {
        Database.Dispose();
        await _engine.DisposeAsync();
        _cluster.Dispose();
        StandIn.AssertNothingHeld();
    }

    protected static byte[] B(string text) => Encoding.Latin1.GetBytes(text);

    protected static string? S(byte[]? bytes) => bytes is null ? null : Encoding.Latin1.GetString(bytes);

    protected async Task PutAsync(params (string Key, string Value)[] rows)
    {
        using var transaction = Database.BeginTransaction();
        foreach (var (key, value) in rows) transaction.Set(B(key), B(value));
        Assert.Equal(FdbError.Success, await transaction.CommitAsync());
    }

    protected async Task<string?> CommittedAsync(string key)
    {
        using var transaction = Database.BeginTransaction();
        return S((await transaction.GetAsync(B(key))).Value);
    }
}
