using ThreeFs.FoundationDb.Tests.Support;
using ThreeFs.Kv;
using ThreeFs.Kv.FoundationDb;
using ThreeFs.Kv.Tests.Contract;

namespace ThreeFs.FoundationDb.Tests;

public sealed class FdbStore : TestStore
{
    // The suite makes its store in a constructor.
    private readonly FdbKvEngine _engine = TestDatabase.OpenAsync(TimeProvider.System).GetAwaiter().GetResult();

    public override IKvEngine Engine => _engine;

    public override ValueTask DisposeAsync()
    {
        TestDatabase.AssertNoRuleIsBroken();
        return default;
    }
}

public sealed class FdbReads : ReadContract<FdbStore>;

public sealed class FdbRanges : RangeContract<FdbStore>;

public sealed class FdbConflicts : ConflictContract<FdbStore>;

public sealed class FdbMutations : MutationContract<FdbStore>;

public sealed class FdbLimits : LimitContract<FdbStore>;

public sealed class FdbSerializability : SerializabilityContract<FdbStore>;
