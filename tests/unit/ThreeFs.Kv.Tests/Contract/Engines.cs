namespace ThreeFs.Kv.Tests.Contract;

// Every suite on every engine.

public sealed class MemoryReads : ReadContract<MemoryStore>;
public sealed class WrappedReads : ReadContract<WrappedMemoryStore>;
public sealed class LmdbReads : ReadContract<LmdbStore>;

public sealed class MemoryRanges : RangeContract<MemoryStore>;
public sealed class WrappedRanges : RangeContract<WrappedMemoryStore>;
public sealed class LmdbRanges : RangeContract<LmdbStore>;

public sealed class MemoryConflicts : ConflictContract<MemoryStore>;
public sealed class WrappedConflicts : ConflictContract<WrappedMemoryStore>;
public sealed class LmdbConflicts : ConflictContract<LmdbStore>;
