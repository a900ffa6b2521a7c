using System.Buffers.Binary;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Kv;

namespace ThreeFs.Mgmtd.Records;

/// <summary>Keys of mgmtd's records; numbers big-endian, so that ranges are in id order.</summary>
internal static class RecordKeys
{
    public static readonly byte[] Lease = [.. KeyPrefixes.Single.ToArray(), .. "MgmtdLease"u8];
    public static readonly byte[] Beat = [.. KeyPrefixes.Single.ToArray(), .. "MgmtdBeat"u8];

    public static byte[] Node(NodeId id) => Key(KeyPrefixes.Node, id.Value);
    public static byte[] Chain(ChainId id) => Key(KeyPrefixes.Chain, id.Value);
    public static byte[] Table(ChainTableId id, ChainTableVersion version) =>
        [.. Key(KeyPrefixes.ChainTable, id.Value), .. BigEndian(version.Value)];
    public static byte[] Target(TargetId id) => [.. KeyPrefixes.Target.ToArray(), .. BigEndian(id.Value)];
    public static byte[] Config(NodeKind kind, ulong version) =>
        [.. KeyPrefixes.Config.ToArray(), (byte)kind, .. BigEndian(version)];

    private static byte[] Key(KeyPrefix prefix, uint id) => [.. prefix.ToArray(), .. BigEndian(id)];

    private static byte[] BigEndian(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] BigEndian(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }
}
