namespace ThreeFs.Kv;

/// <summary>
/// What a transaction would conflict on, for tests that pin the conflict sets of an operation. Implemented by
/// transactions of the in-memory and the embedded engine. Ranges are sorted and merged.
/// </summary>
public interface IKvConflictSets
{
    IReadOnlyList<KvKeyRange> ReadConflicts { get; }
    IReadOnlyList<KvKeyRange> WriteConflicts { get; }
}
