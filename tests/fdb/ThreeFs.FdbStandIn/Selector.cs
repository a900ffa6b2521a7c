using ThreeFs.Kv;

namespace ThreeFs.FdbStandIn;

/// <summary>A key selector: from the last key below (or at) a key, so many keys further.</summary>
internal readonly record struct Selector(byte[] Key, bool OrEqual, int Offset)
{
    public static Selector AtOrAfter(byte[] key) => new(key, false, 1);

    /// <summary>Empty before the first key, 0xFF behind the last.</summary>
    public Answer<byte[]> Resolve(IKvTransaction transaction, bool snapshot)
    {
        var bound = OrEqual ? KvKeys.After(Key) : Key;
        var forward = Offset > 0;
        var wanted = forward ? Offset : 1 - Offset;
        var answer = new RangeLimits(wanted, 0).Read(
            transaction,
            AtOrAfter(forward ? bound : []),
            AtOrAfter(forward ? KvKeys.End.ToArray() : bound),
            snapshot,
            !forward);
        if (answer.Error != 0) return new(answer.Error, []);
        var rows = answer.Value.Rows;
        return new(0, rows.Count == wanted ? rows[^1].Key : forward ? KvKeys.End.ToArray() : []);
    }

    /// <summary>The bound that the selector stands for in a range.</summary>
    public Answer<byte[]> Bound(IKvTransaction transaction) => (OrEqual, Offset) switch
    {
        (false, 1) => new(0, Key),
        (true, 1) => new(0, KvKeys.After(Key)),
        _ => Resolve(transaction, snapshot: true),
    };
}
