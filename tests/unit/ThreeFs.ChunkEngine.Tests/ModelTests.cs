using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>
/// Random operations on several chunks at a time, with device and index completing in random order, reads beside them, and crashes of
/// process and machine at random moments. After each crash every chunk must be in one of the states the contract allows, byte by byte.
/// </summary>
public sealed class ModelTests
{
    public static TheoryData<ulong> Seeds()
    {
        var data = new TheoryData<ulong>();
        var count = int.Parse(Environment.GetEnvironmentVariable("THREEFS_MODEL_SEEDS") ?? "25");
        var first = ulong.Parse(Environment.GetEnvironmentVariable("THREEFS_MODEL_FIRST") ?? "1");
        for (var i = 0; i < count; i++) data.Add(first + (ulong)i);
        return data;
    }

    private const int Words = 4;

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_crash_leaves_an_allowed_state(ulong seed)
    {
        using var pool = new BufferPool(1 << 20);
        using var words = pool.TryRent(4096)!;
        var run = new ModelRun(seed, words.Memory.Slice(0, Words * sizeof(ulong)));
        try
        {
            run.Execute(steps: 1500);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}, step {run.StepNumber}: {e.Message}", e);
        }
    }

    [Fact]
    public void Places_are_kept_and_revoked()
    {
        using var pool = new BufferPool(1 << 20);
        using var words = pool.TryRent(4096)!;
        var (good, revoked) = (0, 0);
        for (ulong seed = 1; seed <= 5; seed++)
        {
            var run = new ModelRun(seed, words.Memory.Slice(0, Words * sizeof(ulong)));
            run.Execute(steps: 1500);
            (good, revoked) = (good + run.PlacedReads.Good, revoked + run.PlacedReads.Revoked);
        }

        Assert.True(good > 10 && revoked > 10, $"{good} reads from places were good, {revoked} were not");
    }
}
