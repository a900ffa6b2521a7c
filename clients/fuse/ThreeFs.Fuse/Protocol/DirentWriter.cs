using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ThreeFs.Fuse.Protocol;

/// <summary>
/// Packs directory entries into a READDIR or READDIRPLUS reply. <c>offset</c> of an entry is where a later call
/// continues behind it. An entry that does not fit leaves the reply as it was.
/// </summary>
internal ref struct DirentWriter(Span<byte> space)
{
    private readonly Span<byte> _space = space;

    public int Written { get; private set; }

    public bool TryAdd(ulong ino, ulong offset, uint type, ReadOnlySpan<byte> name)
    {
        var size = Align(Unsafe.SizeOf<FuseDirent>() + name.Length);
        if (size > _space.Length - Written) return false;
        Put(_space.Slice(Written, size), ino, offset, type, name);
        Written += size;
        return true;
    }

    /// <summary>With the inode; unless its node is 0, the kernel counts it as looked up.</summary>
    public bool TryAddPlus(in FuseEntryOut entry, ulong ino, ulong offset, uint type, ReadOnlySpan<byte> name)
    {
        var size = Align(Unsafe.SizeOf<FuseEntryOut>() + Unsafe.SizeOf<FuseDirent>() + name.Length);
        if (size > _space.Length - Written) return false;
        var target = _space.Slice(Written, size);
        MemoryMarshal.Write(target, entry);
        Put(target[Unsafe.SizeOf<FuseEntryOut>()..], ino, offset, type, name);
        Written += size;
        return true;
    }

    private static void Put(Span<byte> target, ulong ino, ulong offset, uint type, ReadOnlySpan<byte> name)
    {
        var head = new FuseDirent { Ino = ino, Offset = offset, NameLength = (uint)name.Length, Type = type };
        MemoryMarshal.Write(target, head);
        name.CopyTo(target[Unsafe.SizeOf<FuseDirent>()..]);
        target[(Unsafe.SizeOf<FuseDirent>() + name.Length)..].Clear();
    }

    private static int Align(int size) => (size + 7) & ~7;
}
