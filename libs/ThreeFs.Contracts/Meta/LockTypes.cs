using ThreeFs.Base;

namespace ThreeFs.Contracts.Meta;

/// <summary>Two families of advisory locks that know nothing of each other, as on Linux.</summary>
public enum LockKind : byte
{
    /// <summary>fcntl(2): byte ranges, owned by a process (or by an open file description, F_OFD_SETLK).</summary>
    Posix = 1,
    /// <summary>flock(2): the whole file, owned by an open file description.</summary>
    Flock = 2,
}

public enum LockType : byte
{
    /// <summary>Gives back.</summary>
    None = 0,
    /// <summary>Beside others of its type.</summary>
    Shared = 1,
    /// <summary>Beside none.</summary>
    Exclusive = 2,
}

/// <summary>What a client asks for.</summary>
/// <param name="Owner">Number that tells the owners of one client apart.</param>
/// <param name="Start">First byte.</param>
/// <param name="End">Last byte; <see cref="long.MaxValue"/>: to the end, however far it moves.</param>
/// <param name="Pid">Of the owner, for F_GETLK.</param>
public sealed record LockRequest(LockKind Kind, ulong Owner, LockType Type, long Start, long End, uint Pid)
{
    /// <summary>Everything that the owner holds on the inode is given back.</summary>
    public static LockRequest ReleaseAll(LockKind kind, ulong owner) => new(kind, owner, LockType.None, 0, long.MaxValue, 0);
}

/// <summary>A lock that is held.</summary>
/// <param name="Since">When it was set, by the server's clock.</param>
public sealed record FileLock(ClientId Client, ulong Owner, LockType Type, long Start, long End, uint Pid, FileTime Since);

/// <summary>Whether a lock was set, and the inode at that moment: who gets a lock sees what its predecessor reported.</summary>
public sealed record LockAnswer(bool Granted, InodeAttr? Attr);
