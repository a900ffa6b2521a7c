namespace ThreeFs.Kv;

/// <summary>FoundationDB's limits, enforced by every engine so that what passes on one passes on all.</summary>
public static class KvLimits
{
    /// <summary>What an engine may put in front of every key, so that several clusters share one database.</summary>
    public const int MaxPrefixBytes = 100;

    /// <summary>FoundationDB's 10 000 bytes without the prefix.</summary>
    public const int MaxKeyBytes = 10_000 - MaxPrefixBytes;

    public const int MaxValueBytes = 100_000;

    /// <summary>Keys and values of all mutations plus both conflict sets.</summary>
    public const int MaxTransactionBytes = 10_000_000;

    /// <summary>A transaction older than this gets TxTooOld from reads and commit.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    /// <summary>Rows a range read returns when no limit is given.</summary>
    public const int DefaultPageRows = 1_000;
    public const int MaxPageRows = 10_000;

    /// <summary>A page ends after the row that reaches this.</summary>
    public const int MaxPageBytes = 1_000_000;
}
