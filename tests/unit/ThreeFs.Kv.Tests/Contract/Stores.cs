using ThreeFs.Kv.Lmdb;

namespace ThreeFs.Kv.Tests.Contract;

public sealed class MemoryStore : TestStore
{
    public MemoryStore() => Engine = new MemoryKvEngine(Time);

    public override IKvEngine Engine { get; }

    public override ValueTask DisposeAsync() => Engine.DisposeAsync();
}

/// <summary>
/// The in-memory engine behind a fault layer that injects nothing: the decorator must not change the contract.
/// </summary>
public sealed class WrappedMemoryStore : TestStore
{
    public WrappedMemoryStore() => Engine = new FaultyKvEngine(new MemoryKvEngine(Time), new ScriptedKvFaults(), Time);

    public override IKvEngine Engine { get; }

    public override ValueTask DisposeAsync() => Engine.DisposeAsync();
}

public sealed class LmdbStore : TestStore
{
    private readonly TempDirectory _directory = new();

    public LmdbStore() => Engine = LmdbKvEngine.Open(new() { Path = _directory.Path }, Time).Value;

    public override IKvEngine Engine { get; }

    public override async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        _directory.Dispose();
    }
}
