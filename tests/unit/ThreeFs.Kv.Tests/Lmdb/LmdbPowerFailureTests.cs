using ThreeFs.Base;
using ThreeFs.Kv.Lmdb;
using ThreeFs.Kv.Lmdb.Durability;

namespace ThreeFs.Kv.Tests.Lmdb;

/// <summary>The promise of steady points, on disks as a power failure could leave them.</summary>
public sealed class LmdbPowerFailureTests : LmdbTestBase
{
    private static readonly Guid _laterBoot = Guid.Parse("22222222-2222-2222-2222-222222222222");

    private string Live => Path.Combine(Root, "live");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task What_was_flushed_is_there_whatever_became_of_later_pages(ulong seed)
    {
        var random = new SeededRandom(seed);
        var model = new SortedDictionary<string, string>(StringComparer.Ordinal);
        await using var engine = Open(new() { Path = Live, FlushInterval = TimeSpan.FromHours(1) });
        for (var round = 0; round < 4; round++)
        {
            await WorkAsync(engine, model, random, 60);
            AssertOk(await engine.FlushAsync());
            var flushed = new SortedDictionary<string, string>(model, StringComparer.Ordinal);
            var version = await VersionAsync(engine);
            var disk = PowerFailure.Copy(Live, Path.Combine(Root, "disk"));
            await WorkAsync(engine, model, random, random.Next(1, 120));
            var lost = await VersionAsync(engine);
            Assert.True(version < lost);
            for (var i = 0; i < 3; i++)
            {
                var image = PowerFailure.Image(disk, Live, Path.Combine(Root, $"image{round}.{i}"), random.Fork());
                await ExpectAsync(image, flushed, lost, $"seed {seed}, round {round}, image {i}");
                Directory.Delete(image, recursive: true);
            }
        }

        Assert.Equal(model, await AllAsync(engine));
    }

    [Fact]
    public async Task A_power_failure_between_the_flush_and_its_record_goes_back_one_steady_point()
    {
        var random = new SeededRandom(7);
        var model = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Action? duringSync = null;
        var options = new LmdbOptions
        {
            Path = Live,
            FlushInterval = TimeSpan.FromHours(1),
            SyncOverride = () =>
            {
                duringSync?.Invoke();
                return 0;
            },
        };
        await using var engine = Open(options);
        await WorkAsync(engine, model, random, 60);
        AssertOk(await engine.FlushAsync());
        var flushed = new SortedDictionary<string, string>(model, StringComparer.Ordinal);
        var disk = PowerFailure.Copy(Live, Path.Combine(Root, "disk"));
        await WorkAsync(engine, model, random, 100);
        var lost = await VersionAsync(engine);

        var images = new List<string>();
        duringSync = () => images.Add(PowerFailure.Image(disk, Live, Path.Combine(Root, "during"), random));
        AssertOk(await engine.FlushAsync());
        duringSync = null;
        await ExpectAsync(Assert.Single(images), flushed, lost, "during the flush");

        // The flush is done but its record was torn: the other slot still counts, and its pages are still there.
        var torn = PowerFailure.Copy(Live, Path.Combine(Root, "torn"));
        Assert.Equal(2, TearNewestRecord(torn));
        await ExpectAsync(torn, flushed, lost, "torn record");

        // With the record intact the flush counts.
        await ExpectAsync(PowerFailure.Copy(Live, Path.Combine(Root, "intact")), model, lost, "intact record");
    }

    [Fact]
    public async Task Durable_commits_survive_and_relaxed_ones_before_them_too()
    {
        await using var engine = Open(new() { Path = Live, FlushInterval = TimeSpan.FromHours(1) });
        await PutAsync(engine, "a", "relaxed");
        await PutAsync(engine, "b", "durable", KvDurability.Durable);
        var disk = PowerFailure.Copy(Live, Path.Combine(Root, "disk"));
        await PutAsync(engine, "c", "relaxed");
        var image = PowerFailure.Image(disk, Live, Path.Combine(Root, "image"), new SeededRandom(1));
        await using var restored = Open(new() { Path = image, BootId = _laterBoot });
        Assert.Equal("relaxed", await GetAsync(restored, "a"));
        Assert.Equal("durable", await GetAsync(restored, "b"));
        Assert.Null(await GetAsync(restored, "c"));
    }

    [Fact]
    public async Task Relaxed_commits_are_flushed_soon_without_being_asked()
    {
        await using var engine = Open(new() { Path = Live, FlushInterval = TimeSpan.FromMilliseconds(5) });
        var before = engine.Statistics.Flushes;
        await PutAsync(engine, "a", "1");
        while (engine.Statistics.Flushes == before) await Task.Delay(5);
        AssertOk(await engine.FlushAsync());
        await ExpectAsync(
            PowerFailure.Copy(Live, Path.Combine(Root, "disk")),
            new SortedDictionary<string, string> { ["a"] = "1" },
            await VersionAsync(engine),
            "background flush");
    }

    [Fact]
    public async Task The_same_boot_takes_the_environment_as_it_is()
    {
        await using (var engine = Open(new() { Path = Live, FlushInterval = TimeSpan.FromHours(1) }))
        {
            await PutAsync(engine, "a", "1");
            PowerFailure.Copy(Live, Path.Combine(Root, "killed"));
        }

        await using var reopened = Open(new() { Path = Path.Combine(Root, "killed") });
        Assert.Equal("1", await GetAsync(reopened, "a"));
    }

    [Fact]
    public async Task A_clean_stop_loses_nothing_over_a_reboot()
    {
        await using (var engine = Open(
            new() { Path = Live, FlushInterval = TimeSpan.FromHours(1) })) await PutAsync(engine, "a", "1");
        await using var reopened = Open(new() { Path = Live, BootId = _laterBoot });
        Assert.Equal("1", await GetAsync(reopened, "a"));
        await PutAsync(reopened, "b", "2");
        Assert.Equal("2", await GetAsync(reopened, "b"));
    }

    [Fact]
    public async Task An_environment_in_use_is_not_restored_under_its_users()
    {
        await using var engine = Open(new() { Path = Live });
        using var child = Child.Start("hold", Live, "200");
        await child.ExpectAsync("holding");
        await engine.DisposeAsync();
        var refused = LmdbKvEngine.Open(new() { Path = Live, BootId = _laterBoot }, TimeProvider.System);
        Assert.Equal(StatusCode.Unavailable, refused.Code);
        Assert.Contains(Live, refused.Status.Message);
    }

    [Fact]
    public async Task A_failed_flush_stops_the_environment_and_the_next_start_goes_back()
    {
        var errno = 0;
        var notices = new List<string>();
        var options = new LmdbOptions
        {
            Path = Live,
            FlushInterval = TimeSpan.FromHours(1),
            SyncOverride = () => errno,
            Notice = notices.Add,
        };
        var engine = Open(options);
        await PutAsync(engine, "safe", "1", KvDurability.Durable);
        errno = 5;
        using (var transaction = engine.BeginTransaction())
        {
            transaction.Set(B("unsafe"), B("1"));
            Assert.Equal(StatusCode.TxMaybeCommitted, (await transaction.CommitAsync()).Code);
        }

        errno = 0;
        using (var transaction = engine.BeginTransaction())
        {
            transaction.Set(B("later"), B("1"));
            Assert.Equal(StatusCode.IoError, (await transaction.CommitAsync()).Code);
        }

        Assert.Equal(StatusCode.IoError, (await engine.FlushAsync()).Code);
        using (var reader = engine.BeginReadOnly())
            Assert.Equal(StatusCode.IoError, (await reader.GetAsync(B("safe"))).Code);
        Assert.Single(notices);
        await engine.DisposeAsync();

        await using var reopened = Open(options);
        Assert.Equal("1", await GetAsync(reopened, "safe"));
        Assert.Null(await GetAsync(reopened, "unsafe"));
    }

    private static async Task ExpectAsync(
        string image,
        SortedDictionary<string, string> expected,
        KvVersion lost,
        string label)
    {
        await using var restored = Open(new() { Path = image, BootId = _laterBoot });
        Assert.True(expected.SequenceEqual(await AllAsync(restored)), $"{label}: the content differs");
        Assert.True(await VersionAsync(restored) > lost, $"{label}: a version came again");
        await PutAsync(restored, "works", "1");
        Assert.Equal("1", await GetAsync(restored, "works"));
    }

    private static async Task WorkAsync(
        IKvEngine engine,
        SortedDictionary<string, string> model,
        SeededRandom random,
        int commits)
    {
        for (var i = 0; i < commits; i++)
        {
            using var transaction = engine.BeginTransaction();
            for (var writes = random.Next(1, 16); writes > 0; writes--)
            {
                var key = $"key{random.Next(600):d4}";
                if (random.NextBool(0.3))
                {
                    transaction.Clear(B(key));
                    model.Remove(key);
                    continue;
                }

                var value = new string((char)('a' + random.Next(26)), random.NextBool(0.05) ? 9000 : random.Next(300));
                transaction.Set(B(key), B(value));
                model[key] = value;
            }

            AssertOk(await transaction.CommitAsync(KvDurability.Relaxed));
        }
    }

    private static async Task<KvVersion> VersionAsync(IKvEngine engine)
    {
        using var transaction = engine.BeginReadOnly();
        return (await transaction.GetReadVersionAsync()).Value;
    }

    private static int TearNewestRecord(string environment)
    {
        var path = Path.Combine(environment, "steady");
        var bytes = File.ReadAllBytes(path);
        var records = new[] { 0, 4096 }
            .Select(at => (At: at, Record: SteadyRecord.Decode(bytes.AsSpan(at, SteadyRecord.Bytes), path).Value))
            .Where(slot => slot.Record is not null)
            .OrderBy(slot => slot.Record!.Sequence)
            .ToArray();
        bytes.AsSpan(records[^1].At + 100, 20).Fill(0xEE);
        File.WriteAllBytes(path, bytes);
        return records.Length;
    }
}
