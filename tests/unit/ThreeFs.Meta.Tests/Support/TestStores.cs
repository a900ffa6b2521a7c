using ThreeFs.Kv;

namespace ThreeFs.Meta.Tests.Support;

/// <summary>What the metadata tests keep their metadata in: memory here, FoundationDB where its tests run them too.</summary>
internal static class TestStores
{
    public static ValueTask<IKvEngine> OpenAsync(TimeProvider time) => new(new MemoryKvEngine(time));
}
