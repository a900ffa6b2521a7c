namespace ThreeFs.Kv;

/// <summary>
/// The registry of key spaces: each prefix once, with its owner and what follows it. Stored, pinned by a golden test; a
/// number after a prefix is big-endian unless stated. Add new ones here, never reuse one.
/// </summary>
public static class KeyPrefixes
{
    // Metadata service.
    /// <summary>inode id u64 → inode record.</summary>
    public static readonly KeyPrefix Inode = new("INOD");
    /// <summary>parent inode id u64, name bytes → directory entry.</summary>
    public static readonly KeyPrefix Dentry = new("DENT");
    /// <summary>
    /// directory inode id u64, field → counters changed by atomic mutations only (times, link count).
    /// </summary>
    public static readonly KeyPrefix DirectoryCounters = new("DCNT");
    /// <summary>inode id u64, session id → open file session.</summary>
    public static readonly KeyPrefix Session = new("INOS");
    /// <summary>inode id u64, kind u8 → locks of that kind.</summary>
    public static readonly KeyPrefix Lock = new("LOCK");
    /// <summary>bucket of time u32, client id, request id, step u8 → outcome of a request.</summary>
    public static readonly KeyPrefix Idempotency = new("IDEM");
    /// <summary>garbage collection queue: due time or stamp, inode id → what to remove.</summary>
    public static readonly KeyPrefix Garbage = new("GCQU");
    /// <summary>the set of active metadata servers and their heartbeats.</summary>
    public static readonly KeyPrefix MetaServers = new("META");
    /// <summary>extended attributes: inode id u64, attribute name.</summary>
    public static readonly KeyPrefix ExtendedAttribute = new("XATR");

    // Shared singletons: name of the single record follows.
    public static readonly KeyPrefix Single = new("SING");
    /// <summary>user id u32 → user record.</summary>
    public static readonly KeyPrefix User = new("USER");

    // Cluster manager.
    /// <summary>node id u32 → node record.</summary>
    public static readonly KeyPrefix Node = new("NODE");
    /// <summary>table id u32, table version u32 → chain table.</summary>
    public static readonly KeyPrefix ChainTable = new("CHIT");
    /// <summary>chain id u32 → chain record.</summary>
    public static readonly KeyPrefix Chain = new("CHIF");
    /// <summary>target id u64 → target record.</summary>
    public static readonly KeyPrefix Target = new("TGIF");
    /// <summary>universal id → tags.</summary>
    public static readonly KeyPrefix UniversalTags = new("UTGS");
    /// <summary>node type, version → configuration.</summary>
    public static readonly KeyPrefix Config = new("CONF");

    public static IReadOnlyList<KeyPrefix> All { get; } =
    [
        Inode, Dentry, DirectoryCounters, Session, Idempotency, Garbage, MetaServers, ExtendedAttribute, Single, User,
        Node, ChainTable, Chain, Target, UniversalTags, Config,
    ];
}
