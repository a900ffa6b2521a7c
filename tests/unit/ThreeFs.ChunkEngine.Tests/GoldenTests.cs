using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>
/// The bytes of every kind of record. A difference is a changed format: it takes a new version byte, a reader for the old one, and a new
/// file beside this one. THREEFS_GOLDEN=write writes it.
/// </summary>
public sealed class GoldenTests
{
    [Fact]
    public void Records_have_the_bytes_of_version_1()
    {
        var rig = Rig.Create(seed: 42);
        rig.Write(0, [1, 2, 3]);
        rig.Apply(UpdateKind.Write, 0, Pattern(150_000), chunk: new ChunkId(new InodeId(1), 0));
        rig.Run(rig.Store.FoldAsync());
        rig.Write(3, [4, 5]);
        rig.Apply(UpdateKind.Write, 150_000, Pattern(40_000), chunk: new ChunkId(new InodeId(1), 0));
        rig.Prepare(UpdateKind.Remove, 0, default);
        rig.Prepare(UpdateKind.Write, 0, Pattern(70_000), chunk: new ChunkId(new InodeId(2), 9));
        rig.Run(rig.Store.FlushAsync());

        var path = Path.Combine(AppContext.BaseDirectory, "Golden", "index-v1.txt");
        var found = rig.Index.Dump().ToArray();
        if (Environment.GetEnvironmentVariable("THREEFS_GOLDEN") == "write") File.WriteAllLines(path, found);
        Assert.Equal(File.ReadAllLines(path), found);
    }

    private static byte[] Pattern(int count) => Enumerable.Range(0, count).Select(i => (byte)(i * 7 + (i >> 8))).ToArray();
}
