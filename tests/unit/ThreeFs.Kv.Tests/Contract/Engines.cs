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

public sealed class MemoryMutations : MutationContract<MemoryStore>;
public sealed class WrappedMutations : MutationContract<WrappedMemoryStore>;
public sealed class LmdbMutations : MutationContract<LmdbStore>;

public sealed class MemoryLimits : LimitContract<MemoryStore>;
public sealed class WrappedLimits : LimitContract<WrappedMemoryStore>;
public sealed class LmdbLimits : LimitContract<LmdbStore>;

public sealed class MemorySerializability : SerializabilityContract<MemoryStore>;
public sealed class WrappedSerializability : SerializabilityContract<WrappedMemoryStore>;
public sealed class LmdbSerializability : SerializabilityContract<LmdbStore>;

public sealed class MemoryAges : AgeContract<MemoryStore>;
public sealed class WrappedAges : AgeContract<WrappedMemoryStore>;
public sealed class LmdbAges : AgeContract<LmdbStore>;

// What FoundationDB keeps to itself.

public sealed class MemoryConflictSets : ConflictSetContract<MemoryStore>;
public sealed class WrappedConflictSets : ConflictSetContract<WrappedMemoryStore>;
public sealed class LmdbConflictSets : ConflictSetContract<LmdbStore>;
