using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Locks;
using ThreeFs.Meta.Records;

namespace ThreeFs.Meta.Tests.Locks;

public sealed class LockSetTests
{
    private const int Bytes = 24;
    private const int Owners = 4;

    /// <summary>Random requests against a model that keeps, for each byte and owner, what is held there; the last byte stands for
    /// all that follow.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Behaves_as_a_lock_on_every_byte(ulong seed)
    {
        var random = new SeededRandom(seed);
        var set = LockSet.Empty;
        var model = new LockType[Owners, Bytes + 1];
        int granted = 0, refused = 0;
        for (var step = 0; step < 5000; step++)
        {
            var owner = random.Next(Owners);
            var request = Random(random, owner);
            var conflict = set.ConflictWith(ClientOf(owner), request);
            Assert.Equal(ModelConflicts(model, owner, request), conflict is not null);
            if (conflict is not null)
            {
                refused++;
                continue;
            }

            granted++;
            set = set.With(ClientOf(owner), request, new FileTime(step));
            for (var i = request.Start; i <= Math.Min(request.End, Bytes); i++) model[owner, i] = request.Type;
            CheckEqual(model, set);
            CheckShape(set);
            Assert.Equal(set.Locks.AsEnumerable(), LockRecord.Decode(default, LockRecord.Encode(set)).Value.Locks);
        }

        Assert.True(granted > 1000 && refused > 500, $"{granted} granted, {refused} refused");
    }

    [Fact]
    public void A_range_to_the_end_covers_every_byte_there_may_be()
    {
        var set = LockSet.Empty.With(ClientOf(0), Request(0, LockType.Exclusive, 100, long.MaxValue), default);
        Assert.Null(set.ConflictWith(ClientOf(1), Request(1, LockType.Exclusive, 0, 99)));
        Assert.NotNull(set.ConflictWith(ClientOf(1), Request(1, LockType.Shared, long.MaxValue, long.MaxValue)));
        set = set.With(ClientOf(0), Request(0, LockType.Exclusive, 0, 99), default);
        Assert.Equal((0, long.MaxValue), (Assert.Single(set.Locks).Start, set.Locks[0].End));
        Assert.True(set.With(ClientOf(0), LockRequest.ReleaseAll(LockKind.Posix, 0), default).IsEmpty);
    }

    [Fact]
    public void An_owner_changes_its_own_lock_in_place()
    {
        var set = LockSet.Empty.With(ClientOf(0), Request(0, LockType.Shared, 0, 9), default);
        set = set.With(ClientOf(0), Request(0, LockType.Exclusive, 3, 5), default);
        Assert.Equal(
            [(LockType.Shared, 0, 2), (LockType.Exclusive, 3, 5), (LockType.Shared, 6, 9)],
            set.Locks.Select(l => (l.Type, l.Start, l.End)));
        set = set.With(ClientOf(0), Request(0, LockType.Shared, 3, 5), default);
        Assert.Equal((0L, 9L), (Assert.Single(set.Locks).Start, set.Locks[0].End));
    }

    [Fact]
    public void The_same_number_at_another_client_is_another_owner()
    {
        var set = LockSet.Empty.With(ClientOf(0), Request(0, LockType.Exclusive, 0, 9), default);
        Assert.NotNull(set.ConflictWith(ClientOf(2), Request(0, LockType.Shared, 9, 20)));
        Assert.True(set.Without(l => l.Client == ClientOf(0)).IsEmpty);
        Assert.False(set.Without(l => l.Client == ClientOf(2)).IsEmpty);
    }

    [Fact]
    public void A_full_record_fits_a_value_of_the_store()
    {
        var locks = Enumerable.Range(0, LockRecord.MaxLocks)
            .Select(i => new FileLock(ClientOf(0), 7, LockType.Exclusive, 2 * i, 2 * i, 1, default));
        Assert.InRange(LockRecord.Encode(LockSet.Of(locks)).Length, 1, 100_000);
    }

    private static ClientId ClientOf(int owner) => new(new Guid(owner / 2, 0, 0, new byte[8]));

    private static LockRequest Request(int owner, LockType type, long start, long end) =>
        new(LockKind.Posix, (ulong)owner, type, start, end, 1);

    private static LockRequest Random(SeededRandom random, int owner)
    {
        var start = random.Next(Bytes);
        var end = random.Next(4) == 0 ? long.MaxValue : start + random.Next(Bytes - start);
        return Request(owner, (LockType)random.Next(3), start, end);
    }

    private static bool ModelConflicts(LockType[,] model, int owner, LockRequest request)
    {
        if (request.Type == LockType.None) return false;
        for (var other = 0; other < Owners; other++)
        {
            for (var i = request.Start; other != owner && i <= Math.Min(request.End, Bytes); i++)
            {
                if (model[other, i] == LockType.Exclusive) return true;
                if (model[other, i] == LockType.Shared && request.Type == LockType.Exclusive) return true;
            }
        }

        return false;
    }

    private static void CheckEqual(LockType[,] model, LockSet set)
    {
        var held = new LockType[Owners, Bytes + 1];
        foreach (var one in set.Locks)
        {
            for (var i = one.Start; i <= Math.Min(one.End, Bytes); i++)
            {
                Assert.Equal(LockType.None, held[(int)one.Owner, i]);
                held[(int)one.Owner, i] = one.Type;
            }
        }

        Assert.Equal(model.Cast<LockType>(), held.Cast<LockType>());
    }

    /// <summary>Nothing is split that could be one, and the order is fixed.</summary>
    private static void CheckShape(LockSet set)
    {
        Assert.Equal(set.Locks.OrderBy(l => l.Start).Select(l => l.Start), set.Locks.Select(l => l.Start));
        foreach (var byOwner in set.Locks.GroupBy(l => (l.Client, l.Owner)))
        {
            foreach (var (a, b) in byOwner.Zip(byOwner.Skip(1)))
                Assert.True(a.End < b.Start && (a.Type != b.Type || a.End + 1 < b.Start), $"{a} beside {b}");
        }
    }
}
