using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;

namespace ThreeFs.Meta;

/// <summary>How the metadata service behaves; the same at every server of a cluster.</summary>
public sealed record MetaServiceOptions
{
    /// <summary>What the root directory gives to new files when the file system is made.</summary>
    public Layout RootLayout { get; init; } = new(new ChainTableId(1), default, (uint)ByteSize.MiB, 1, 0, 0);

    /// <summary>Relaxed: a mutation is on stable storage with the next flush, as POSIX has it. Durable: when it is answered.</summary>
    public KvDurability Durability { get; init; } = KvDurability.Relaxed;

    /// <summary>How long the chunks of a removed file are kept.</summary>
    public TimeSpan GarbageDelay { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long an answer about free space is good for.</summary>
    public TimeSpan SpaceCacheTime { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a truncation tries to reach storage before the client is told to ask again.</summary>
    public TimeSpan StoragePatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Directories of a tree that are checked before it is removed for a user who is not root.</summary>
    public int TreeCheckLimit { get; init; } = 1024;
}
