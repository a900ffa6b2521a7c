using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Records;

/// <summary>Stored form of a configuration version. Key CONF + kind u8 + version u64; every version is kept.</summary>
internal static class ConfigRecord
{
    private const byte Newest = 1;

    public static byte[] Encode(ConfigInfo config) => new RecordWriter(Newest)
        .U8((byte)config.Kind).U64(config.Version).Text(config.Content).Text(config.Description)
        .ToArray();

    public static Result<ConfigInfo> Decode(ReadOnlyMemory<byte> bytes, NodeKind kind, ulong version)
    {
        var r = new RecordReader(bytes, Newest, $"record of configuration {kind} version {version}");
        r.Require(r.U8() == (byte)kind, "it holds another kind");
        r.Require(r.U64() == version, "it holds another version");
        return r.Done(new ConfigInfo(kind, version, r.Text(), r.Text()));
    }
}
