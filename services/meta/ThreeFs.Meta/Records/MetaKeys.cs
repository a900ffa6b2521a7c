using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;

namespace ThreeFs.Meta.Records;

/// <summary>Every key of the metadata service; pinned by golden tests. Names follow their directory's id raw, so they sort bytewise.</summary>
internal static class MetaKeys
{
    public static readonly byte[] InodeAllocator = Single("inode-alloc");
    public static readonly byte[] InodeCount = Single("inode-count");

    public static byte[] Inode(InodeId id)
    {
        var w = new KeyWriter(stackalloc byte[16], KeyPrefixes.Inode);
        w.U64(id.Value);
        return w.ToArray();
    }

    public static byte[] Dentry(InodeId parent, FileName name)
    {
        var w = new KeyWriter(stackalloc byte[KeyWriter.Typical], KeyPrefixes.Dentry);
        w.U64(parent.Value);
        w.Raw(name.Span);
        return w.ToArray();
    }

    public static KvKeyRange Dentries(InodeId parent) => WithInode(KeyPrefixes.Dentry, parent);

    public static FileName NameOf(byte[] dentryKey) => new(dentryKey.AsMemory(KeyPrefix.Size + 8));

    /// <summary>Time of the last change of a directory's entries; see <see cref="DirectoryCounters"/>.</summary>
    public static byte[] EntryChangeTime(InodeId directory) => Counter(directory, (byte)'T');

    /// <summary>Number of a directory's subdirectories; see <see cref="DirectoryCounters"/>.</summary>
    public static byte[] Subdirectories(InodeId directory) => Counter(directory, (byte)'S');

    public static KvKeyRange Counters(InodeId directory) => WithInode(KeyPrefixes.DirectoryCounters, directory);

    public static byte[] Session(InodeId inode, SessionId session)
    {
        var w = new KeyWriter(stackalloc byte[32], KeyPrefixes.Session);
        w.U64(inode.Value);
        w.Guid(session.Value);
        return w.ToArray();
    }

    public static KvKeyRange Sessions(InodeId inode) => WithInode(KeyPrefixes.Session, inode);

    public static bool TryReadSession(byte[] key, out InodeId inode, out SessionId session)
    {
        var r = new KeyReader(key, KeyPrefixes.Session);
        r.U64(out var id);
        r.Guid(out var guid);
        inode = new InodeId(id);
        session = new SessionId(guid);
        return r.AtEnd;
    }

    public static byte[] Locks(InodeId inode, LockKind kind)
    {
        var w = new KeyWriter(stackalloc byte[16], KeyPrefixes.Lock);
        w.U64(inode.Value);
        w.U8((byte)kind);
        return w.ToArray();
    }

    public static KvKeyRange AllLocks(InodeId inode) => WithInode(KeyPrefixes.Lock, inode);

    public static bool TryReadLocks(byte[] key, out InodeId inode, out LockKind kind)
    {
        var r = new KeyReader(key, KeyPrefixes.Lock);
        r.U64(out var id);
        r.U8(out var number);
        inode = new InodeId(id);
        kind = (LockKind)number;
        return r.AtEnd;
    }

    /// <param name="step">Operations of several transactions number them.</param>
    public static byte[] Request(uint bucket, ClientId client, RequestId request, byte step)
    {
        var w = new KeyWriter(stackalloc byte[48], KeyPrefixes.Idempotency);
        w.U32(bucket);
        w.Guid(client.Value);
        w.Guid(request.Value);
        w.U8(step);
        return w.ToArray();
    }

    public static KvKeyRange RequestsBefore(uint bucket)
    {
        var w = new KeyWriter(stackalloc byte[8], KeyPrefixes.Idempotency);
        w.U32(bucket);
        return new KvKeyRange(KeyPrefixes.Idempotency.ToArray(), w.ToArray());
    }

    public static byte[] Garbage(FileTime due, InodeId inode)
    {
        var w = new KeyWriter(stackalloc byte[32], KeyPrefixes.Garbage);
        w.I64(due.Nanoseconds);
        w.U64(inode.Value);
        return w.ToArray();
    }

    public static KvKeyRange GarbageDue(FileTime until)
    {
        var w = new KeyWriter(stackalloc byte[16], KeyPrefixes.Garbage);
        w.I64(until.Nanoseconds);
        return new KvKeyRange(KeyPrefixes.Garbage.ToArray(), w.ToArray());
    }

    public static bool TryReadGarbage(byte[] key, out FileTime due, out InodeId inode)
    {
        var r = new KeyReader(key, KeyPrefixes.Garbage);
        r.I64(out var nanoseconds);
        r.U64(out var id);
        due = new FileTime(nanoseconds);
        inode = new InodeId(id);
        return r.AtEnd;
    }

    public static byte[] Xattr(InodeId inode, FileName name)
    {
        var w = new KeyWriter(stackalloc byte[KeyWriter.Typical], KeyPrefixes.ExtendedAttribute);
        w.U64(inode.Value);
        w.Raw(name.Span);
        return w.ToArray();
    }

    public static KvKeyRange Xattrs(InodeId inode) => WithInode(KeyPrefixes.ExtendedAttribute, inode);

    private static byte[] Counter(InodeId directory, byte field)
    {
        var w = new KeyWriter(stackalloc byte[16], KeyPrefixes.DirectoryCounters);
        w.U64(directory.Value);
        w.U8(field);
        return w.ToArray();
    }

    private static KvKeyRange WithInode(KeyPrefix prefix, InodeId inode)
    {
        var w = new KeyWriter(stackalloc byte[16], prefix);
        w.U64(inode.Value);
        return KvKeyRange.WithPrefix(w.Written);
    }

    private static byte[] Single(string name)
    {
        var w = new KeyWriter(stackalloc byte[32], KeyPrefixes.Single);
        w.Raw(System.Text.Encoding.ASCII.GetBytes(name));
        return w.ToArray();
    }
}
