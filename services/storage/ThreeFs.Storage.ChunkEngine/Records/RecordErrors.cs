using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine.Records;

internal static class RecordErrors
{
    public static Status UnknownVersion(string record, byte found, byte known) => new(
        StatusCode.UnknownFormatVersion,
        $"a {record} record has version {found}, this build reads version {known}: start a newer build on this target");

    public static Status Malformed(string record, ReadOnlySpan<byte> key, string why) => new(
        StatusCode.Corruption, $"the {record} record {Convert.ToHexString(key)} is malformed: {why}");
}
