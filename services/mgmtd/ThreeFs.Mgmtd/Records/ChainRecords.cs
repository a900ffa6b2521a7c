using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;

namespace ThreeFs.Mgmtd.Records;

/// <summary>Stored form of a chain. Key CHIF + id.</summary>
internal static class ChainRecord
{
    private const byte Newest = 1;

    public static byte[] Encode(ChainInfo chain) => new RecordWriter(Newest)
        .U32(chain.Id.Value).U32(chain.Version.Value)
        .List(chain.Targets, (w, t) => w.U64(t.Id.Value).U8((byte)t.State))
        .List(chain.PreferredOrder, (w, t) => w.U64(t.Value))
        .ToArray();

    public static Result<ChainInfo> Decode(ReadOnlyMemory<byte> bytes, ChainId id)
    {
        var r = new RecordReader(bytes, Newest, $"record of chain {id}");
        r.Require(r.U32() == id.Value, "it holds another chain's id");
        var version = new ChainVersion(r.U32());
        var targets = r.List(x => new ChainTarget(new TargetId(x.U64()), (TargetState)x.U8()));
        var chain = new ChainInfo(id, version, targets, r.List(x => new TargetId(x.U64())));
        if (r.Status.IsOk && ChainRules.Broken(chain) is { } broken) r.Require(false, broken);
        return r.Done(chain);
    }
}

/// <summary>
/// Stored form of one version of a chain table; never changed or removed, file layouts refer to it. Key
/// CHIT + id + version.
/// </summary>
internal static class ChainTableRecord
{
    private const byte Newest = 1;

    public static byte[] Encode(ChainTable table) => new RecordWriter(Newest)
        .U32(table.Id.Value).U32(table.Version.Value)
        .List(table.Chains, (w, c) => w.U32(c.Value)).Text(table.Description)
        .ToArray();

    public static Result<ChainTable> Decode(ReadOnlyMemory<byte> bytes, ChainTableId id, ChainTableVersion version)
    {
        var r = new RecordReader(bytes, Newest, $"record of chain table {id} version {version}");
        r.Require(r.U32() == id.Value, "it holds another table's id");
        r.Require(r.U32() == version.Value, "it holds another version");
        return r.Done(new ChainTable(id, version, r.List(x => new ChainId(x.U32())), r.Text()));
    }
}

/// <summary>
/// Where a target was reported last, so that a new primary can route to it before its server has spoken. Key TGIF + id.
/// </summary>
internal sealed record TargetRecord(TargetId Id, NodeId Node, int DiskIndex)
{
    private const byte Newest = 1;

    public byte[] Encode() => new RecordWriter(Newest).U64(Id.Value).U32(Node.Value).U32((uint)DiskIndex).ToArray();

    public static Result<TargetRecord> Decode(ReadOnlyMemory<byte> bytes, TargetId id)
    {
        var r = new RecordReader(bytes, Newest, $"record of target {id}");
        r.Require(r.U64() == id.Value, "it holds another target's id");
        return r.Done(new TargetRecord(id, new NodeId(r.U32()), (int)r.U32()));
    }
}
