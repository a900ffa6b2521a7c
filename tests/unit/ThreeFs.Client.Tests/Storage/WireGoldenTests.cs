using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Tests.Storage;

/// <summary>Bytes of the chunk service's headers. A change here is a change of the protocol and needs a new version.</summary>
public sealed class WireGoldenTests
{
    private static readonly VersionedChain _chain = new(new ChainId(0x11121314), new ChainVersion(0x21222324));
    private static readonly ChunkId _chunk = new(new InodeId(0x3132333435363738), 0x4142434445464748);
    private static readonly UpdateTag _tag = new(
        new ClientId(new Guid("00112233-4455-6677-8899-aabbccddeeff")), new ChannelId(0x5152), 0x6162636465666768);

    private delegate void Writer(Span<byte> destination);

    private static byte[] Bytes(int size, Writer write)
    {
        var bytes = new byte[size];
        write(bytes);
        return bytes;
    }

    private static void AssertGolden(string expected, int size, Writer write) =>
        Assert.Equal(expected.Replace(" ", "", StringComparison.Ordinal), Convert.ToHexStringLower(Bytes(size, write)));

    [Fact]
    public void Read()
    {
        var op = new ReadOp(_chain, _chunk, 0x71727374, 0x81828384);
        AssertGolden(
            "01010100000000001413121124232221313233343536373841424344454647487473727184838281", StorageCodec.ReadRequestSize(1), d =>
            {
                StorageCodec.WriteReadPreamble(d, ReadFlags.AllowUncommitted, 1);
                StorageCodec.Write(d[StorageCodec.PreambleSize..], op);
            });
        Assert.Equal(op, StorageCodec.ReadReadOp(Bytes(StorageCodec.ReadOpSize, d => StorageCodec.Write(d, op))));
        var result = new ReadResult((StatusCode)0x0fa0, 0x71727374, 0x81828384, 0x91929394, new UpdateVersion(0xa1), new CommitVersion(0xb1));
        AssertGolden("a00f0000747372718483828194939291a100000000000000b100000000000000", StorageCodec.ReadResultSize, d => StorageCodec.Write(d, result));
        Assert.Equal(result, StorageCodec.ReadReadResult(Bytes(StorageCodec.ReadResultSize, d => StorageCodec.Write(d, result))));
    }

    [Fact]
    public void Place()
    {
        Writer write = d => new ChunkPlace
        {
            Code = StatusCode.Ok, Valid = TimeSpan.FromMilliseconds(0x0102), Word = 0x1112131415161718, Generation = 0x2122232425262728,
            Offset = 0x3132333435363000, ChunkLength = 0x41424344, Version = new UpdateVersion(0x5152), Device = 0xd1d2, Inode = 0xe1e2,
            Path = "/ab"u8, Checksums = [0x61626364, 0x71727374],
        }.Write(d);
        const int size = 64 + 3 + 2 * 4;
        AssertGolden(
            "0000020002010000" + "1817161514131211" + "2827262524232221" + "0030363534333231" + "44434241" + "03000000" + "5251000000000000"
            + "d2d1000000000000" + "e2e1000000000000" + "2f6162" + "64636261" + "74737271", size, write);
        var bytes = Bytes(size, write);
        ReadOnlySpan<byte> rest = bytes;
        Assert.True(ChunkPlace.TryRead(ref rest, new uint[ChunkPlace.MaxUnits], out var place));
        Assert.True(rest.IsEmpty);
        Assert.Equal((0x1112131415161718, 0x2122232425262728ul, 0x3132333435363000), (place.Word, place.Generation, place.Offset));
        Assert.Equal((0x41424344u, 0x5152ul, 0xd1d2ul, 0xe1e2ul), (place.ChunkLength, place.Version.Value, place.Device, place.Inode));
        Assert.Equal([0x61626364u, 0x71727374], place.Checksums.ToArray());
        Assert.Equal("/ab"u8.ToArray(), place.Path.ToArray());
        rest = bytes.AsSpan(0, size - 1);
        Assert.False(ChunkPlace.TryRead(ref rest, new uint[ChunkPlace.MaxUnits], out _));
        bytes[24] = 1; // not where a unit begins
        rest = bytes;
        Assert.False(ChunkPlace.TryRead(ref rest, new uint[ChunkPlace.MaxUnits], out _));
    }

    [Fact]
    public void Location()
    {
        var result = new ReadResult(StatusCode.Ok, 0x71727374, 0x81828384, 0x91929394, new UpdateVersion(0xa1), new CommitVersion(0xb1));
        var size = ContentLocation.SizeOf(3);
        Writer write = d => new ContentLocation
        {
            Hold = 0xc1c2c3c4c5c6c7c8, Offset = 0x1112131415161000, Device = 0xd1d2, Inode = 0xe1e2e3, Path = "/ab"u8,
        }.Write(d, result);
        AssertGolden(
            "0000000074737271" + "8483828194939291" + "a100000000000000" + "b100000000000000" + "c8c7c6c5c4c3c2c1" + "0010161514131211"
            + "d2d1000000000000" + "e3e2e10000000000" + "03000000" + "2f6162", size, write);
        var bytes = Bytes(size, write);
        Assert.Equal(result, StorageCodec.ReadReadResult(bytes));
        Assert.True(ContentLocation.TryRead(bytes, out var read));
        Assert.Equal((0xc1c2c3c4c5c6c7c8, 0x1112131415161000, 0xd1d2ul, 0xe1e2e3ul), (read.Hold, read.Offset, read.Device, read.Inode));
        Assert.Equal("/ab"u8.ToArray(), read.Path.ToArray());
        Assert.False(ContentLocation.TryRead(bytes.AsSpan(0, StorageCodec.ReadResultSize), out _));
        Assert.False(ContentLocation.TryRead(bytes.AsSpan(0, size - 1), out _));
        bytes[40] = 1;
        Assert.False(ContentLocation.TryRead(bytes, out _));
        AssertGolden("01000000000000000807060504030201", ContentLocation.ReleaseSize, d => ContentLocation.WriteRelease(d, 0x0102030405060708));
        Assert.Equal(
            StatusCode.Ok, ContentLocation.ReadRelease(Bytes(ContentLocation.ReleaseSize, d => ContentLocation.WriteRelease(d, 7)), out var hold));
        Assert.Equal(7ul, hold);
    }

    [Fact]
    public void Update()
    {
        var request = new UpdateRequest(
            _chain, _chunk, UpdateKind.Extend, 0x71727374, 0x81828384, 0x91929394, 0xa1a2a3a4, _tag,
            new UpdateVersion(0xb1b2), new CommitVersion(0xc1c2));
        AssertGolden("01050000000000001413121124232221313233343536373841424344454647487473727184838281"
            + "94939291a4a3a2a133221100554477668899aabbccddeeff6867666564636261b2b1000000000000"
            + "c2c100000000000052510000000000000000000000000000", StorageCodec.UpdateRequestSize, d => StorageCodec.Write(d, request));
        var bytes = Bytes(StorageCodec.UpdateRequestSize, d => StorageCodec.Write(d, request));
        Assert.Equal(StatusCode.Ok, StorageCodec.ReadUpdateRequest(bytes, out var read));
        Assert.Equal(request, read);
        var result = new UpdateResult((StatusCode)0x0fa5, new UpdateVersion(0xa1), new CommitVersion(0xb1), 0x71727374, 0x81828384, new ChainVersion(0xc1));
        AssertGolden("a50f00007473727184838281c1000000a100000000000000b100000000000000", StorageCodec.UpdateResultSize, d => StorageCodec.Write(d, result));
        Assert.Equal(result, StorageCodec.ReadUpdateResult(Bytes(StorageCodec.UpdateResultSize, d => StorageCodec.Write(d, result))));
    }

    [Fact]
    public void Smaller_requests()
    {
        var last = new QueryLastRequest(_chain, _chunk.Inode, 0x71, ulong.MaxValue);
        AssertGolden("0100000000000000141312112423222138373635343332317100000000000000ffffffffffffffff", StorageRequestCodec.QueryLastSize, d => StorageRequestCodec.Write(d, last));
        var remove = new RemoveChunksRequest(_chain, _chunk.Inode, 0x71, 0x81, _tag, 0x91, new TruncateVersion(0xB1B2B3B4), 0xC1C2C3C4, 0xD1);
        AssertGolden("01000000000000001413121124232221383736353433323171000000000000008100000000000000"
            + "33221100554477668899aabbccddeeff686766656463626152510000000000009100000000000000b4b3b2b1c4c3c2c1d100000000000000", StorageRequestCodec.RemoveChunksSize, d => StorageRequestCodec.Write(d, remove));
        var list = new ListChunksRequest(new TargetId(0x7172), _chunk, 0x81, new ChainVersion(0x91));
        AssertGolden("01010000000000007271000000000000313233343536373841424344454647488100000091000000", StorageRequestCodec.ListChunksSize, d => StorageRequestCodec.Write(d, list));
        var query = new QueryChunkRequest(new TargetId(0x7172), _chunk);
        AssertGolden("0100000000000000727100000000000031323334353637384142434445464748", StorageRequestCodec.QueryChunkSize, d => StorageRequestCodec.Write(d, query));
        var create = new CreateTargetRequest(new TargetId(0x7172), new ChainId(0x81), 0x91);
        AssertGolden("010000000000000072710000000000008100000091000000", StorageRequestCodec.CreateTargetSize, d => StorageRequestCodec.Write(d, create));
        AssertGolden("01000100000000001413121124232221", StorageRequestCodec.FlushRequestSize(1), d =>
        {
            StorageRequestCodec.WriteFlushPreamble(d, 1);
            StorageCodec.Put(d[StorageCodec.PreambleSize..], _chain);
        });

        Assert.Equal(StatusCode.Ok, StorageRequestCodec.Read(Bytes(StorageRequestCodec.QueryLastSize, d => StorageRequestCodec.Write(d, last)), out QueryLastRequest last2));
        Assert.Equal(last, last2);
        Assert.Equal(StatusCode.Ok, StorageRequestCodec.Read(Bytes(StorageRequestCodec.RemoveChunksSize, d => StorageRequestCodec.Write(d, remove)), out RemoveChunksRequest remove2));
        Assert.Equal(remove, remove2);
        Assert.Equal(StatusCode.Ok, StorageRequestCodec.Read(Bytes(StorageRequestCodec.ListChunksSize, d => StorageRequestCodec.Write(d, list)), out ListChunksRequest list2));
        Assert.Equal(list, list2);
        Assert.Equal(StatusCode.Ok, StorageRequestCodec.Read(Bytes(StorageRequestCodec.QueryChunkSize, d => StorageRequestCodec.Write(d, query)), out QueryChunkRequest query2));
        Assert.Equal(query, query2);
        Assert.Equal(StatusCode.Ok, StorageRequestCodec.Read(Bytes(StorageRequestCodec.CreateTargetSize, d => StorageRequestCodec.Write(d, create)), out CreateTargetRequest create2));
        Assert.Equal(create, create2);
    }

    [Fact]
    public void Administration()
    {
        var list = new ListTargetsRequest(new TargetId(0x7172));
        AssertGolden("01000000000000007271000000000000", StorageRequestCodec.ListTargetsSize, d => StorageRequestCodec.Write(d, list));
        Assert.Equal(StatusCode.Ok, StorageRequestCodec.Read(Bytes(StorageRequestCodec.ListTargetsSize, d => StorageRequestCodec.Write(d, list)), out ListTargetsRequest list2));
        Assert.Equal(list, list2);
        var step = new StepDownRequest(new TargetId(0x7172), _chain);
        AssertGolden("010000000000000072710000000000001413121124232221", StorageRequestCodec.StepDownSize, d => StorageRequestCodec.Write(d, step));
        Assert.Equal(StatusCode.Ok, StorageRequestCodec.Read(Bytes(StorageRequestCodec.StepDownSize, d => StorageRequestCodec.Write(d, step)), out StepDownRequest step2));
        Assert.Equal(step, step2);
        var destroy = new DestroyTargetRequest(new TargetId(0x7172), new RoutingVersion(0x8182838485868788));
        AssertGolden("010000000000000072710000000000008887868584838281", StorageRequestCodec.DestroyTargetSize, d => StorageRequestCodec.Write(d, destroy));
        Assert.Equal(StatusCode.Ok, StorageRequestCodec.Read(Bytes(StorageRequestCodec.DestroyTargetSize, d => StorageRequestCodec.Write(d, destroy)), out DestroyTargetRequest destroy2));
        Assert.Equal(destroy, destroy2);
        var report = new TargetReport(
            new TargetId(0x7172), new ChainId(0x81), 0x91, 0xa1, 0xb1,
            new ResyncReport(new TargetId(0x7173), true, 0xc1, 0xd1, 0xe1, 0xf1, new TimeSpan(0x7a)));
        AssertGolden(
            "72710000000000008100000091000000a100000000000000b1000000000000007371000000000000"
            + "0100000000000000c100000000000000d100000000000000e100000000000000f1000000000000007a00000000000000",
            StorageRequestCodec.TargetReportSize, d => StorageRequestCodec.Write(d, report));
        Assert.Equal(report, StorageRequestCodec.ReadTargetReport(Bytes(StorageRequestCodec.TargetReportSize, d => StorageRequestCodec.Write(d, report))));
    }

    [Fact]
    public void Newer_version_and_wrong_length_are_refused()
    {
        var request = new UpdateRequest(_chain, _chunk, UpdateKind.Write, 0, 0, 0, 0, _tag, default, default);
        var bytes = Bytes(StorageCodec.UpdateRequestSize, d => StorageCodec.Write(d, request));
        Assert.Equal(StatusCode.InvalidArgument, StorageCodec.ReadUpdateRequest(bytes.AsSpan(0, bytes.Length - 1), out _));
        bytes[0] = 2;
        Assert.Equal(StatusCode.UnknownFormatVersion, StorageCodec.ReadUpdateRequest(bytes, out _));
        var flush = new byte[StorageRequestCodec.FlushRequestSize(2)];
        StorageRequestCodec.WriteFlushPreamble(flush, 1);
        Assert.Equal(StatusCode.InvalidArgument, StorageRequestCodec.ReadFlushPreamble(flush, out _));
        var list = Bytes(StorageRequestCodec.ListChunksSize, d => StorageRequestCodec.Write(d, new ListChunksRequest(new TargetId(1), null, 20000)));
        Assert.Equal(StatusCode.InvalidArgument, StorageRequestCodec.Read(list, out ListChunksRequest _));
    }
}
