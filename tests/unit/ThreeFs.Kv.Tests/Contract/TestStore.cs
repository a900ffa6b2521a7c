using Microsoft.Extensions.Time.Testing;

namespace ThreeFs.Kv.Tests.Contract;

/// <summary>An engine under the contract suite. A new engine joins by one more of these and one line a suite.</summary>
public abstract class TestStore : IAsyncDisposable
{
    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public abstract IKvEngine Engine { get; }

    /// <summary>Lets the engine's snapshots age.</summary>
    public virtual void Advance(TimeSpan time) => Time.Advance(time);

    public abstract ValueTask DisposeAsync();
}
