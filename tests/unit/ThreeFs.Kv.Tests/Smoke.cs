using ThreeFs.Base;
namespace ThreeFs.Kv.Tests;
public sealed class Smoke
{
    [Fact]
    public async Task SetGet()
    {
        var e = new MemoryKvEngine(TimeProvider.System);
        using (var t = e.BeginTransaction()) { t.Set("a"u8, "1"u8); t.AtomicAdd("b"u8, 5); Assert.True((await t.CommitAsync()).IsOk); }
        using (var t = e.BeginTransaction()) { t.AtomicAdd("b"u8, 5); Assert.Equal(10ul, (await t.GetAsync("b"u8)).Value.ReadCounter());
            t.Set("aa"u8, "x"u8); var p = (await t.GetRangeAsync(""u8, KvKeys.End)).Value; Assert.Equal(3, p.Rows.Count);
            p = (await t.GetRangeAsync(""u8, KvKeys.End, 2, true)).Value; Assert.Equal("b"u8.ToArray(), p.Rows[0].Key); Assert.True(p.More);
            using (var u = e.BeginTransaction()) { u.Set("b"u8, "z"u8); Assert.True((await u.CommitAsync()).IsOk); }
            Assert.Equal(StatusCode.TxConflict, (await t.CommitAsync()).Code); }
    }
}
