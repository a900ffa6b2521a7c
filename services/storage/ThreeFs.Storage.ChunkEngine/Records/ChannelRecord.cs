using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.ChunkEngine.Records;

/// <summary>One slot of the table of channels: a version byte, seven of padding, the update.</summary>
internal static class ChannelRecord
{
    public const byte Version = 1;
    public const int Size = 8 + ChannelUpdate.Size;

    public static void Write(Span<byte> d, in ChannelUpdate update)
    {
        d[..8].Clear();
        d[0] = Version;
        update.WriteTo(d[8..]);
    }

    public static Result<ChannelUpdate> Read(ReadOnlySpan<byte> key, ReadOnlySpan<byte> s)
    {
        if (s.IsEmpty) return RecordErrors.Malformed("channel", key, "it is empty");
        if (s[0] != Version) return RecordErrors.UnknownVersion("channel", s[0], Version);
        if (s.Length != Size || key.Length != Keys.ChannelSize) return RecordErrors.Malformed("channel", key, "its size is wrong");
        return ChannelUpdate.ReadFrom(s[8..]);
    }
}
