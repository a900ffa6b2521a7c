using System.Text;
using ThreeFs.Base;
using ThreeFs.Kv.Lmdb;
using ThreeFs.Kv.Transfer;

namespace ThreeFs.Kv.Tests.Transfer;

/// <summary>Copies, dumps and loads: all of it arrives, or the target is as empty as before.</summary>
public sealed class TransferTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly MemoryKvEngine _source = new(TimeProvider.System);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_copy_holds_what_the_source_holds()
    {
        await FillAsync(_source, 5000);
        await using var target = LmdbKvEngine.Open(new() { Path = _directory.Path }, TimeProvider.System).Value;
        var said = new List<long>();
        var copied = await KvCopy.RunAsync(Whole(_source), Whole(target), soFar => said.Add(soFar.Rows), default);
        Assert.Equal(5000, copied.Value.Rows);
        Assert.Equal([1000, 2000, 3000, 4000, 5000], said.Take(5));
        Assert.Equal(await RowsAsync(_source), await RowsAsync(target));
    }

    [Fact]
    public async Task Only_an_empty_target_is_filled()
    {
        await FillAsync(_source, 3);
        var target = new MemoryKvEngine(TimeProvider.System);
        await FillAsync(target, 1);
        var refused = await KvCopy.RunAsync(Whole(_source), Whole(target), _ => { }, default);
        Assert.Equal(StatusCode.InvalidArgument, refused.Code);
        Assert.Contains("the target holds keys already", refused.Status.Message);
        Assert.Single(await RowsAsync(target));
    }

    [Fact]
    public async Task An_empty_source_is_a_mistake()
    {
        var target = new MemoryKvEngine(TimeProvider.System);
        var refused = await KvCopy.RunAsync(Whole(_source), Whole(target), _ => { }, default);
        Assert.Equal(StatusCode.InvalidArgument, refused.Code);
    }

    [Fact]
    public async Task A_source_in_use_is_noticed_and_the_target_emptied()
    {
        await FillAsync(_source, 2000);
        var target = new MemoryKvEngine(TimeProvider.System);
        var refused = await KvCopy.RunAsync(
            Whole(_source), Whole(target), soFar => Set(_source, "k00000", "changed behind"), default);
        Assert.Equal(StatusCode.Busy, refused.Code);
        Assert.Contains("stop every mgmtd and meta", refused.Status.Message);
        Assert.EndsWith("the target is empty as before", refused.Status.Message);
        Assert.Empty(await RowsAsync(target));
    }

    [Fact]
    public async Task A_target_that_was_written_to_is_noticed()
    {
        await FillAsync(_source, 10);
        var target = new MemoryKvEngine(TimeProvider.System);
        var refused = await KvCopy.RunAsync(
            Whole(_source), Whole(target), soFar => Set(target, "stranger", "1"), default);
        Assert.Equal(StatusCode.Corruption, refused.Code);
        Assert.Empty(await RowsAsync(target));
    }

    /// <summary>The format is documented: docs/operations/metadata-copies.md.</summary>
    [Fact]
    public async Task The_bytes_of_a_dump_are_pinned()
    {
        Set(_source, "a", "1");
        Set(_source, "bc", "");
        Assert.Equal(
            "334653" + "4D4554410A" + "01000000" + "00000000"
            + "01000000" + "01000000" + "61" + "31"
            + "02000000" + "00000000" + "6263"
            + "00000000" + "0200000000000000" + "0400000000000000" + "986CC029",
            Convert.ToHexString(await DumpAsync()));
    }

    [Fact]
    public async Task A_loaded_dump_holds_what_was_dumped()
    {
        await FillAsync(_source, 3000);
        var target = new MemoryKvEngine(TimeProvider.System);
        var loaded = await LoadAsync(await DumpAsync(), target);
        Assert.Equal(3000, loaded.Value.Rows);
        Assert.Equal(await RowsAsync(_source), await RowsAsync(target));
    }

    [Fact]
    public async Task An_empty_store_can_be_dumped_and_loaded()
    {
        var target = new MemoryKvEngine(TimeProvider.System);
        Assert.Equal(0, (await LoadAsync(await DumpAsync(), target)).Value.Rows);
    }

    /// <summary>Every single wrong byte, every cut, and bytes behind the end.</summary>
    [Fact]
    public async Task A_damaged_dump_is_refused_and_leaves_the_target_empty()
    {
        await FillAsync(_source, 4);
        var dump = await DumpAsync();
        for (var at = 0; at < dump.Length; at++)
        {
            // The four bytes behind the version are kept for later.
            if (at is >= 12 and < 16) continue;
            var damaged = dump.ToArray();
            damaged[at] ^= 0x40;
            await AssertRefusedAsync(damaged, $"byte {at} is wrong");
            await AssertRefusedAsync(dump[..at], $"cut at {at}");
        }

        await AssertRefusedAsync([.. dump, 0], "one byte more");
    }

    [Fact]
    public async Task A_dump_of_a_newer_format_is_refused_as_such()
    {
        var dump = await DumpAsync();
        dump[8] = 2;
        var refused = await LoadAsync(dump, new MemoryKvEngine(TimeProvider.System));
        Assert.Equal(StatusCode.UnknownFormatVersion, refused.Code);
        Assert.Contains("format 2, this program reads 1", refused.Status.Message);
    }

    private async Task AssertRefusedAsync(byte[] dump, string what)
    {
        var target = new MemoryKvEngine(TimeProvider.System);
        var refused = await LoadAsync(dump, target);
        Assert.True(refused.Code is StatusCode.Corruption or StatusCode.UnknownFormatVersion, $"{what}: {refused}");
        Assert.True((await RowsAsync(target)).Length == 0, what);
    }

    private async Task<byte[]> DumpAsync()
    {
        using var stream = new MemoryStream();
        (await KvDump.WriteAsync(Whole(_source), stream, _ => { }, default)).Status.ThrowIfFailed();
        return stream.ToArray();
    }

    private static async Task<Result<KvDigest>> LoadAsync(byte[] dump, IKvEngine target)
    {
        using var stream = new MemoryStream(dump);
        return await KvDump.LoadAsync(stream, Whole(target), _ => { }, default);
    }

    private static KvWholeStore Whole(IKvEngine engine) => new(engine, TimeProvider.System, new SeededRandom(1));

    private static void Set(MemoryKvEngine engine, string key, string value)
    {
        using var transaction = engine.BeginTransaction();
        transaction.Set(Encoding.ASCII.GetBytes(key), Encoding.ASCII.GetBytes(value));
        transaction.CommitAsync().AsTask().Result.ThrowIfFailed();
    }

    private static async Task FillAsync(MemoryKvEngine engine, int rows)
    {
        using var transaction = engine.BeginTransaction();
        for (var i = 0; i < rows; i++)
            transaction.Set(Encoding.ASCII.GetBytes($"k{i:d5}"), new byte[i % 300]);
        (await transaction.CommitAsync()).ThrowIfFailed();
    }

    private static async Task<string[]> RowsAsync(IKvEngine engine)
    {
        var rows = new List<string>();
        (await Whole(engine).ScanAsync(
            (page, _) =>
            {
                rows.AddRange(page.Select(r => $"{Convert.ToHexString(r.Key)}={Convert.ToHexString(r.Value)}"));
                return new(Status.Ok);
            },
            default)).Status.ThrowIfFailed();
        return [.. rows];
    }
}
