using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// A place in a listing as the kernel and telldir(3) know it: 0 and 1 are before "." and "..", 2 is before the first
/// entry, and behind an entry there is
/// <code>
/// | 0 | page + 1 (22 bits) | place in the page (11 bits) | checksum of the name (30 bits) |
/// </code>
/// The checksum finds the entry again when names came or went before it; the place stands in when the entry itself is
/// gone. A place beyond the 11 bits is the largest.
/// </summary>
internal readonly record struct DirectoryPosition(ulong Offset)
{
    private const int ChecksumBits = 30;
    private const int OrdinalBits = 11;
    private const int PageBits = 22;
    private const ulong MaxOrdinal = (1UL << OrdinalBits) - 1;

    public const ulong DotDot = 1;
    public const ulong Start = 2;

    public bool IsStart => Offset == Start;
    public int Page => (int)(Offset >> (OrdinalBits + ChecksumBits)) - 1;
    public int Ordinal => (int)(Offset >> ChecksumBits & MaxOrdinal);
    public uint Checksum => (uint)Offset & ((1U << ChecksumBits) - 1);

    /// <summary>Could have been made here.</summary>
    public bool IsValid => Offset <= Start || (Page >= 0 && Offset >> (OrdinalBits + ChecksumBits + PageBits) == 0);

    public static DirectoryPosition Behind(int page, int ordinal, FileName name)
    {
        Invariant.Check(page + 1 < 1 << PageBits, "a directory has fewer pages than a position can tell apart");
        var place = Math.Min((ulong)ordinal, MaxOrdinal);
        return new(((ulong)page + 1) << (OrdinalBits + ChecksumBits) | place << ChecksumBits | ChecksumOf(name));
    }

    public static uint ChecksumOf(FileName name) => Crc32C.Compute(name.Span) & ((1U << ChecksumBits) - 1);
}
