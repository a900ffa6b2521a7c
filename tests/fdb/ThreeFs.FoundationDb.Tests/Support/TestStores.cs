using ThreeFs.FoundationDb.Tests.Support;
using ThreeFs.Kv;

namespace ThreeFs.Meta.Tests.Support;

/// <summary>Metadata tests keep their metadata in FoundationDB here.</summary>
internal static class TestStores
{
    public static async ValueTask<IKvEngine> OpenAsync(TimeProvider time) => await TestDatabase.OpenAsync(time);
}
