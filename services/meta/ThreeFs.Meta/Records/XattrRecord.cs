using ThreeFs.Base;

namespace ThreeFs.Meta.Records;

/// <summary>An extended attribute's value behind a version byte; values are longer than the length field of other records allows.</summary>
internal static class XattrRecord
{
    public const byte Version = 1;

    public static byte[] Encode(ReadOnlySpan<byte> value)
    {
        var bytes = new byte[value.Length + 1];
        bytes[0] = Version;
        value.CopyTo(bytes.AsSpan(1));
        return bytes;
    }

    public static Result<ReadOnlyMemory<byte>> Decode(InodeId inode, ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty) return new Status(StatusCode.Corruption, $"an attribute of inode {inode} cannot be read");
        if (bytes.Span[0] == Version) return bytes[1..];
        return new Status(StatusCode.UnknownFormatVersion,
            $"an attribute of inode {inode} has version {bytes.Span[0]}; this build knows {Version}: upgrade this server");
    }
}
