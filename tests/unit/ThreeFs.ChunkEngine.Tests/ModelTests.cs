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

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_crash_leaves_an_allowed_state(ulong seed)
    {
        var run = new ModelRun(seed);
        try
        {
            run.Execute(steps: 1500);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}, step {run.StepNumber}: {e.Message}", e);
        }
    }
}
