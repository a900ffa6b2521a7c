namespace ThreeFs.Kv.Lmdb;

/// <summary>Counters of this process since the environment was opened; the host exports them.</summary>
/// <param name="Commits">Transactions applied.</param>
/// <param name="Batches">LMDB commits they were applied in.</param>
/// <param name="Conflicts">Transactions refused with TxConflict.</param>
/// <param name="Flushes">Times the data file was forced to stable storage.</param>
/// <param name="Snapshots">Snapshots held right now.</param>
public readonly record struct LmdbStatistics(long Commits, long Batches, long Conflicts, long Flushes, int Snapshots);
