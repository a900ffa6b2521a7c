using System.Buffers.Binary;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Cluster;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Virtual;

/// <summary>
/// The ioctls that change names and free space, with the numbers and structures that programs for 3FS know.
/// </summary>
/// <remarks>
/// <code>
/// RECURSIVE_RM  on a directory                   removes it with everything below
/// HARDLINK      { u64 parent; char name[256]; }  gives the file another name
/// PUNCH_HOLE    { i32 n; u64 flags; u64 start[1000]; u64 end[1000]; }
/// MOVE          { u64 parent; char name[256]; u64 newParent; char newName[256]; bool toTrash; }
/// REMOVE        { u64 parent; char name[256]; bool recursive; }
/// </code>
/// Parents are inode numbers as stat(2) shows them. The parent whose name goes is the directory that the call is made on,
/// so that the caller had to open it; what may be done there is checked for the caller like rename(2) and unlink(2).
/// </remarks>
internal sealed class NameCalls(DirectOps direct, bool isReadOnly)
{
    private const uint RecursiveRemove = 0x8004680A;
    private const uint HardLink = 0x4108680C;
    private const uint PunchHole = 0x7E90680D;
    private const uint Move = 0x4218680E;
    private const uint Remove = 0x4110680F;
    private const int NameSize = 256, MaxRanges = 1000;

    public static bool IsOne(uint command) => command is RecursiveRemove or HardLink or PunchHole or Move or Remove;

    public async ValueTask<Errno> RunAsync(FuseRequest request, FuseIoctlIn call, ReadOnlyMemory<byte> input)
    {
        if (isReadOnly) return Errno.EROFS;
        if (input.Length < (int)call.InSize) return Errno.EINVAL;
        var isDirectory = (call.Flags & FuseConstants.IoctlOfDirectory) != 0;
        if (isDirectory != call.Command is RecursiveRemove or Move or Remove)
            return isDirectory ? Errno.EISDIR : Errno.ENOTDIR;
        var error = call.Command switch
        {
            RecursiveRemove => await direct.RemoveOpenDirectoryAsync(request),
            HardLink => await LinkAsync(request, input),
            PunchHole => await PunchAsync(request, call.Handle, input),
            Move => await MoveAsync(request, input),
            _ => await RemoveAsync(request, input),
        };
        return error == Errno.Ok ? request.Reply(new FuseIoctlOut()) : error;
    }

    private ValueTask<Errno> LinkAsync(FuseRequest request, ReadOnlyMemory<byte> input)
    {
        var error = TryPlace(input, out var place);
        return error == Errno.Ok ? direct.LinkAsync(request, place.Parent, place.Name) : new(error);
    }

    private ValueTask<Errno> RemoveAsync(FuseRequest request, ReadOnlyMemory<byte> input)
    {
        const int recursiveAt = sizeof(ulong) + NameSize;
        var error = TryPlace(input, out var place);
        if (error != Errno.Ok) return new(error);
        if (place.Parent != InodeTable.IdOf(request.Node)) return new(Errno.EINVAL);
        return direct.RemoveAsync(request, place.Parent, place.Name, input.Span[recursiveAt] != 0);
    }

    private ValueTask<Errno> MoveAsync(FuseRequest request, ReadOnlyMemory<byte> input)
    {
        const int placeSize = sizeof(ulong) + NameSize;
        var error = TryPlace(input, out var from);
        if (error != Errno.Ok) return new(error);
        error = TryPlace(input[placeSize..], out var to);
        if (error != Errno.Ok) return new(error);
        if (from.Parent != InodeTable.IdOf(request.Node)) return new(Errno.EINVAL);
        return direct.MoveAsync(request, from.Parent, from.Name, to.Parent, to.Name, input.Span[2 * placeSize] != 0);
    }

    private ValueTask<Errno> PunchAsync(FuseRequest request, ulong handle, ReadOnlyMemory<byte> input)
    {
        const int startsAt = 16, endsAt = startsAt + MaxRanges * sizeof(ulong);
        var span = input.Span;
        var count = BinaryPrimitives.ReadInt32LittleEndian(span);
        if (count is < 0 or > MaxRanges) return new(Errno.EINVAL);
        var ranges = new (ulong Start, ulong End)[count];
        for (var i = 0; i < count; i++)
        {
            ranges[i] = (
                BinaryPrimitives.ReadUInt64LittleEndian(span[(startsAt + i * sizeof(ulong))..]),
                BinaryPrimitives.ReadUInt64LittleEndian(span[(endsAt + i * sizeof(ulong))..]));
        }

        return direct.PunchAsync(request, handle, ranges);
    }

    /// <summary>A directory and a name in it: the number, and the bytes up to a NUL.</summary>
    private static Errno TryPlace(ReadOnlyMemory<byte> input, out (InodeId Parent, FileName Name) place)
    {
        var parent = BinaryPrimitives.ReadUInt64LittleEndian(input.Span);
        var name = input.Slice(sizeof(ulong), Math.Min(NameSize, input.Length - sizeof(ulong)));
        var end = name.Span.IndexOf((byte)0);
        place = (InodeTable.IdOf(parent), new FileName(end < 0 ? name : name[..end]));
        return VirtualNodes.IsVirtual(parent) ? Errno.EPERM
            : end < 0 ? Errno.ENAMETOOLONG
            : place.Name.IsEntryName ? Errno.Ok
            : Errno.EINVAL;
    }
}
