using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Records;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Records;

/// <summary>
/// The bytes of every stored record and key. They are on disks: a test that fails here says that old clusters cannot be read, and
/// the answer is a new version byte and a decoder for both, not a new constant.
/// </summary>
public sealed class RecordTests
{
    private static readonly NodeRecord _node = new(
        new NodeId(7), NodeKind.Storage, "host", 4711,
        [new ServiceEndpoint(EndpointKind.Grpc, "10.0.0.1", 8000), new ServiceEndpoint(EndpointKind.Data, "10.0.0.1", 9000)],
        NodeRecord.NoTags.Add("TrafficZone", "a"), 5);

    private static readonly ChainInfo _chain = new(
        new ChainId(3), new ChainVersion(9),
        [new(new TargetId(11), TargetState.Serving), new(new TargetId(12), TargetState.Syncing), new(new TargetId(13), TargetState.Offline)],
        [new TargetId(12), new TargetId(11)]);

    private static readonly ChainTable _table = new(new ChainTableId(1), new ChainTableVersion(2), [new ChainId(3), new ChainId(4)], "all");
    private static readonly ConfigInfo _config = new(NodeKind.Meta, 6, "a = 1\n", "first");
    private static readonly TargetRecord _target = new(new TargetId(11), new NodeId(7), 2);

    [Fact]
    public void Node_record() => Golden(
        "01 07000000 02 04000000 686f7374 67120000 02000000 00 08000000 31302e302e302e31 401f0000 01 08000000 31302e302e302e31 28230000 "
        + "01000000 0b000000 547261666669635a6f6e65 01000000 61 0500000000000000",
        _node.Encode(), b => NodeRecord.Decode(b, _node.Id), _node);

    [Fact]
    public void Chain_record() => Golden(
        "01 03000000 09000000 03000000 0b00000000000000 01 0c00000000000000 04 0d00000000000000 10 02000000 0c00000000000000 0b00000000000000",
        ChainRecord.Encode(_chain), b => ChainRecord.Decode(b, _chain.Id), _chain);

    [Fact]
    public void Chain_table_record() => Golden(
        "01 01000000 02000000 02000000 03000000 04000000 03000000 616c6c",
        ChainTableRecord.Encode(_table), b => ChainTableRecord.Decode(b, _table.Id, _table.Version), _table);

    [Fact]
    public void Target_record() => Golden(
        "01 0b00000000000000 07000000 02000000", _target.Encode(), b => TargetRecord.Decode(b, _target.Id), _target);

    [Fact]
    public void Config_record() => Golden(
        "01 01 0600000000000000 06000000 61203d20310a 05000000 6669727374",
        ConfigRecord.Encode(_config), b => ConfigRecord.Decode(b, NodeKind.Meta, 6), _config);

    [Fact]
    public void Lease_record() => Golden(
        "01 05000000 01 09000000 01 09000000 00 01000000 78 02000000 00000000 00000000 0000000000000000",
        Lease().Encode(), b => LeaseRecord.Decode(b), Lease());

    [Fact]
    public void Released_lease_record() => Golden("01 05000000 00", new LeaseRecord(5, null).Encode(), b => LeaseRecord.Decode(b), new LeaseRecord(5, null));

    [Fact]
    public void Beat_record() => Golden("01 05000000 0600000000000000", new BeatRecord(5, 6).Encode(), b => BeatRecord.Decode(b), new BeatRecord(5, 6));

    [Fact]
    public void Keys()
    {
        Assert.Equal("SINGMgmtdLease"u8, RecordKeys.Lease);
        Assert.Equal("SINGMgmtdBeat"u8, RecordKeys.Beat);
        Assert.Equal("NODE\0\0\0\x07"u8, RecordKeys.Node(new NodeId(7)));
        Assert.Equal("CHIF\0\0\0\x03"u8, RecordKeys.Chain(new ChainId(3)));
        Assert.Equal("CHIT\0\0\0\x01\0\0\0\x02"u8, RecordKeys.Table(new ChainTableId(1), new ChainTableVersion(2)));
        Assert.Equal("TGIF\0\0\0\0\0\0\0\x0b"u8, RecordKeys.Target(new TargetId(11)));
        Assert.Equal("CONF\x01\0\0\0\0\0\0\0\x06"u8, RecordKeys.Config(NodeKind.Meta, 6));
    }

    [Fact]
    public void A_record_of_a_newer_build_is_refused_and_says_so()
    {
        var bytes = ChainRecord.Encode(_chain);
        bytes[0] = 2;
        Expect.Fails(StatusCode.UnknownFormatVersion, ChainRecord.Decode(bytes, _chain.Id).Status, "chain 3");
    }

    [Fact]
    public void A_record_under_a_foreign_key_is_corrupt() =>
        Expect.Fails(StatusCode.Corruption, ChainRecord.Decode(ChainRecord.Encode(_chain), new ChainId(4)).Status, "chain 4");

    [Fact]
    public void An_impossible_chain_is_corrupt()
    {
        var bytes = ChainRecord.Encode(_chain with { Targets = [new(new TargetId(1), TargetState.Waiting)] });
        Expect.Fails(StatusCode.Corruption, ChainRecord.Decode(bytes, _chain.Id).Status, "authority");
    }

    /// <summary>Every cut and every flipped bit is either another valid record or a clear failure, never an exception.</summary>
    [Fact]
    public void Damaged_bytes_never_throw()
    {
        foreach (var (bytes, decode) in new (byte[], Func<byte[], Status>)[]
        {
            (_node.Encode(), b => NodeRecord.Decode(b, _node.Id).Status),
            (ChainRecord.Encode(_chain), b => ChainRecord.Decode(b, _chain.Id).Status),
            (ChainTableRecord.Encode(_table), b => ChainTableRecord.Decode(b, _table.Id, _table.Version).Status),
            (ConfigRecord.Encode(_config), b => ConfigRecord.Decode(b, NodeKind.Meta, 6).Status),
            (Lease().Encode(), b => LeaseRecord.Decode(b).Status),
        })
        {
            for (var length = 0; length < bytes.Length; length++) Assert.False(decode(bytes[..length]).IsOk, $"{length} of {bytes.Length} bytes decode");
            for (var bit = 0; bit < bytes.Length * 8; bit++)
            {
                var damaged = (byte[])bytes.Clone();
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                decode(damaged);
            }
        }
    }

    private static LeaseRecord Lease() => new(5, new NodeRecord(new NodeId(9), NodeKind.Mgmtd, "x", 2, [], NodeRecord.NoTags));

    private static void Golden<T>(string hex, byte[] encoded, Func<byte[], Result<T>> decode, T value)
    {
        Assert.Equal(hex.Replace(" ", ""), Convert.ToHexStringLower(encoded));
        Assert.Equal(value, Expect.Ok(decode(encoded)));
    }
}
