using System.Text;
using ThreeFs.Base;
using ThreeFs.Kv.Lmdb;

namespace ThreeFs.Kv.Tests.Lmdb;

/// <summary>Words for tests of the embedded engine on the real clock.</summary>
public abstract class LmdbTestBase : IDisposable
{
    private readonly TempDirectory _directory = new();

    protected string Root => _directory.Path;

    public void Dispose() => _directory.Dispose();

    internal static LmdbKvEngine Open(LmdbOptions options) => LmdbKvEngine.Open(options, TimeProvider.System).Value;

    internal LmdbKvEngine Open() => Open(new() { Path = Root });

    protected static byte[] B(string text) => Encoding.Latin1.GetBytes(text);

    protected static async Task PutAsync(
        IKvEngine engine,
        string key,
        string value,
        KvDurability durability = KvDurability.Relaxed)
    {
        using var transaction = engine.BeginTransaction();
        transaction.Set(B(key), B(value));
        AssertOk(await transaction.CommitAsync(durability));
    }

    protected static async Task<string?> GetAsync(IKvEngine engine, string key)
    {
        using var transaction = engine.BeginReadOnly();
        var value = (await transaction.GetAsync(B(key))).Value;
        return value.Exists ? Encoding.Latin1.GetString(value.Span) : null;
    }

    protected static async Task<SortedDictionary<string, string>> AllAsync(IKvEngine engine)
    {
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal);
        using var transaction = engine.BeginReadOnly();
        for (byte[] begin = []; ;)
        {
            var page = (await transaction.GetRangeAsync(begin, KvKeys.End)).Value;
            foreach (var row in page.Rows)
                all.Add(Encoding.Latin1.GetString(row.Key), Encoding.Latin1.GetString(row.Value));
            if (!page.More) return all;
            begin = page.Continuation;
        }
    }

    protected static void AssertOk(Status status) => Assert.True(status.IsOk, status.ToString());
}
