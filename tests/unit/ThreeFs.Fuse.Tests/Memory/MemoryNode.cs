using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Native;

namespace ThreeFs.Fuse.Tests.Memory;

/// <summary>An inode of <see cref="MemoryFileSystem"/>; guarded by its lock.</summary>
internal sealed class MemoryNode(ulong id, uint mode, uint uid, uint gid, DateTimeOffset now)
{
    public ulong Id { get; } = id;
    public uint Mode { get; set; } = mode;
    public uint Uid { get; set; } = uid;
    public uint Gid { get; set; } = gid;
    public uint LinkCount { get; set; } = (mode & LibC.S_IFMT) == LibC.S_IFDIR ? 2u : 1u;
    public uint Device { get; init; }
    public DateTimeOffset AccessTime { get; set; } = now;
    public DateTimeOffset ModifyTime { get; set; } = now;
    public DateTimeOffset ChangeTime { get; set; } = now;

    /// <summary>Files only.</summary>
    public MemoryContent? Content { get; } = (mode & LibC.S_IFMT) == LibC.S_IFREG ? new MemoryContent() : null;

    /// <summary>Directories only; by name in byte order, so that a listing can continue behind a name.</summary>
    public SortedDictionary<FileName, MemoryNode>? Entries { get; } =
        (mode & LibC.S_IFMT) == LibC.S_IFDIR ? [] : null;

    /// <summary>Directories only.</summary>
    public MemoryNode? Parent { get; set; }

    public ReadOnlyMemory<byte> Target { get; init; }
    public Dictionary<FileName, ReadOnlyMemory<byte>> Xattrs { get; } = [];

    /// <summary>How often the kernel was told.</summary>
    public ulong Lookups { get; set; }

    public int Opens { get; set; }
    public bool IsDirectory => Entries is not null;
    public uint Type => (Mode & LibC.S_IFMT) >> 12;
    public long Length => Content?.Length ?? Target.Length;
}
