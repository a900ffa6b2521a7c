using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.ChunkEngine;

public sealed class SpaceTests
{
    private static ChunkId Nth(int i) => new(new InodeId(50), (ulong)i);

    [Fact]
    public void A_full_disk_refuses_new_chunks_and_still_overwrites_and_removes()
    {
        var rig = Rig.Create(options: new ChunkStoreOptions { ReservedBytes = 4 << 20 });
        rig.Device.CapacityBytes = 20 << 20;
        var content = rig.Bytes(1 << 20);
        var count = 0;
        UpdateResult prepared;
        while ((prepared = rig.Prepare(UpdateKind.Write, 0, content, chunk: Nth(count))).Code == StatusCode.Ok)
        {
            rig.Commit(prepared, Nth(count));
            Assert.True(++count < 20);
        }

        Assert.Equal(StatusCode.NoSpace, prepared.Code);
        Assert.Equal(16, count);
        Assert.True(rig.Store.GetSpace().IsLow);
        Assert.Empty(rig.Faults);
        rig.Apply(UpdateKind.Write, 4096, rig.Bytes(4096), chunk: Nth(3));
        rig.Apply(UpdateKind.Remove, 0, default, chunk: Nth(0));
        rig.Apply(UpdateKind.Write, 0, content, chunk: Nth(100));
        Assert.Equal(StatusCode.Ok, rig.Read(0, 100, chunk: Nth(100)).Result.Code);
        Assert.Equal(StatusCode.NoSpace, rig.Prepare(UpdateKind.Write, 0, content, chunk: Nth(101)).Code);
    }

    [Fact]
    public void Space_comes_back_when_chunks_are_removed()
    {
        var rig = Rig.Create();
        for (var i = 0; i < 600; i++) rig.Apply(UpdateKind.Write, 0, rig.Bytes(50_000), chunk: Nth(i));
        Assert.Equal(600L << 16, rig.Store.GetSpace().UsedBytes);
        var free = rig.Store.GetSpace().FreeBytes;
        for (var i = 0; i < 600; i++) rig.Apply(UpdateKind.Remove, 0, default, chunk: Nth(i));
        for (var i = 0; i < 6; i++) rig.Run(rig.Store.FoldAsync());
        Assert.Equal(0, rig.Store.GetSpace().UsedBytes);
        Assert.Equal(0, rig.Store.ChunkCount);
        Assert.Equal(0, rig.Store.OutstandingBuffers);
        Assert.True(rig.Store.GetSpace().FreeBytes >= free + (600L << 16));
        Assert.True(rig.Device.CapacityBytes - rig.Device.GetSpace().FreeBytes <= 256 << 16, "only the first group stays reserved");
        Assert.Equal(3, rig.Index.Count); // the target, the flush mark and the client's channel
    }

    [Fact]
    public void A_limit_of_blocks_holds()
    {
        var rig = Rig.Create(options: new ChunkStoreOptions { MaxBlockBytes = 3 << 16 });
        for (var i = 0; i < 3; i++) rig.Apply(UpdateKind.Write, 0, rig.Bytes(10), chunk: Nth(i));
        Assert.Equal(StatusCode.NoSpace, rig.Prepare(UpdateKind.Write, 0, rig.Bytes(10), chunk: Nth(3)).Code);
    }
}
