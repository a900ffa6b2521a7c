using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Native.Abi;

/// <summary>Finding the mount that a path lies on. Contracts are in include/hf3fs_usrbio.h.</summary>
internal static unsafe class MountExports
{
    private const int PathSize = 4096;
    private const int LineSize = 16384;

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_extract_mount_point")]
    public static int Extract(byte* mountPoint, int size, byte* path) => FindAbove(mountPoint, size, path);

    [MethodImpl(Export.NotInline)]
    private static int FindAbove(byte* mountPoint, int size, byte* path)
    {
        byte* real = stackalloc byte[PathSize], best = stackalloc byte[PathSize];
        if (path == null || LibC.RealPath(path, real) == null) return -1;
        var length = Find(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(real), new Span<byte>(best, PathSize));
        if (length < 0) return -1;
        if (mountPoint != null && length < size)
        {
            new Span<byte>(best, length).CopyTo(new Span<byte>(mountPoint, length));
            mountPoint[length] = 0;
        }

        return length + 1;
    }

    /// <summary>The longest mount point above the path; its length, or -1.</summary>
    private static int Find(ReadOnlySpan<byte> path, Span<byte> best)
    {
        var found = -1;
        int fd;
        fixed (byte* name = "/proc/self/mountinfo\0"u8) fd = LibC.Open(name, LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
        if (fd < 0) return -1;
        var buffer = (byte*)NativeMemory.Alloc(LineSize);
        Span<byte> candidate = stackalloc byte[PathSize];
        var filled = 0;
        while (true)
        {
            var read = LibC.Read(fd, buffer + filled, (nuint)(LineSize - filled));
            filled += (int)Math.Max(read, 0);
            var rest = new ReadOnlySpan<byte>(buffer, filled);
            for (var end = rest.IndexOf((byte)'\n'); end >= 0; end = rest.IndexOf((byte)'\n'))
            {
                var length = MountPointOf(rest[..end], candidate);
                if (length > found && IsAbove(candidate[..length], path))
                {
                    found = length;
                    candidate[..length].CopyTo(best);
                }

                rest = rest[(end + 1)..];
            }

            // A line that is longer than the buffer is no mount of ours.
            if (rest.Length == LineSize) rest = default;
            rest.CopyTo(new Span<byte>(buffer, LineSize));
            filled = rest.Length;
            if (read <= 0) break;
        }

        NativeMemory.Free(buffer);
        LibC.Close(fd);
        return found;
    }

    /// <summary>The root of a mount that has the registry; -1 when the line is about something else.</summary>
    private static int MountPointOf(ReadOnlySpan<byte> line, Span<byte> mountPoint)
    {
        var separator = line.IndexOf(" - "u8);
        if (separator < 0) return -1;
        if (ChecksType() && !line[(separator + 3)..].StartsWith("fuse.hf3fs "u8)) return -1;
        for (var field = 0; field < 4; field++) line = line[(line.IndexOf((byte)' ') + 1)..];
        var length = Unescape(line[..line.IndexOf((byte)' ')], mountPoint);
        var virtualName = "/3fs-virt"u8;
        if (length > virtualName.Length && mountPoint[..length].EndsWith(virtualName))
            return length - virtualName.Length;
        if (length <= 0 || length + virtualName.Length >= mountPoint.Length) return -1;
        virtualName.CopyTo(mountPoint[length..]);
        mountPoint[length + virtualName.Length] = 0;
        fixed (byte* name = mountPoint) return LibC.Access(name, LibC.F_OK) == 0 ? length : -1;
    }

    private static bool ChecksType()
    {
        fixed (byte* name = "HF3FS_USRBIO_DONT_CHECKFS_FOR_MP\0"u8)
        {
            var value = LibC.GetEnv(name);
            return value == null || !MemoryMarshal.CreateReadOnlySpanFromNullTerminated(value).SequenceEqual("yes"u8);
        }
    }

    /// <summary>Spaces and the like are written as \ooo.</summary>
    private static int Unescape(ReadOnlySpan<byte> text, Span<byte> into)
    {
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (length == into.Length) return -1;
            if (text[i] == '\\' && i + 3 < text.Length)
            {
                into[length++] = (byte)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
                i += 3;
            }
            else
            {
                into[length++] = text[i];
            }
        }

        return length;
    }

    private static bool IsAbove(ReadOnlySpan<byte> mountPoint, ReadOnlySpan<byte> path) =>
        path.StartsWith(mountPoint)
        && (mountPoint.Length == 1 || path.Length == mountPoint.Length || path[mountPoint.Length] == '/');
}
