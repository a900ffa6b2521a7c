using System.Buffers.Binary;

namespace ThreeFs.Kv;

/// <summary>
/// Ten bytes that order commits: the commit's version and its place among the commits that share the version, both
/// big-endian, so that the bytes sort as the numbers do.
/// </summary>
public readonly record struct Versionstamp(ulong Version, ushort Order) : IComparable<Versionstamp>
{
    public const int Size = 10;

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, Version);
        BinaryPrimitives.WriteUInt16BigEndian(destination[8..], Order);
    }

    /// <summary>Reads the first ten bytes of <paramref name="source"/>.</summary>
    public static Versionstamp Read(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(source), BinaryPrimitives.ReadUInt16BigEndian(source[8..]));

    public int CompareTo(Versionstamp other) =>
        Version != other.Version ? Version.CompareTo(other.Version) : Order.CompareTo(other.Order);

    public override string ToString() => $"{Version:x16}{Order:x4}";
}
