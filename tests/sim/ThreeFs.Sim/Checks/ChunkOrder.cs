using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Checks;

/// <summary>
/// The judge of a chunk that is removed and made again, whose versions begin anew each time: there must be one order of all operations
/// that agrees with time and gives every answer (the search of <see cref="Names.NameHistory"/>). An operation without an answer may have
/// happened at any time after its beginning, or never.
/// </summary>
/// <param name="operations">In the order of their beginnings.</param>
/// <param name="must">Those that happened for certain.</param>
/// <param name="final">What is there in the end; null when nobody looked.</param>
internal sealed class ChunkOrder(ChunkOperation[] operations, Func<ChunkOperation, bool> must, (ulong Version, uint Crc)? final)
{
    private const int MaxStates = 20_000;

    private readonly bool[] _done = new bool[operations.Length];
    private readonly bool[] _must = [.. operations.Select(must)];
    private readonly HashSet<(int First, ulong Done, ulong Version, uint Crc)> _met = [];
    private int _open = operations.Count(must);
    private int _depth;
    private int _furthest = -1;
    private string _furthestState = "";

    /// <summary>Throws when there is no such order.</summary>
    /// <returns>False when there were too many to try.</returns>
    public bool Check()
    {
        if (Step(ChunkContent.None, 0)) return true;
        if (_met.Count >= MaxStates) return false;
        throw new SimFailure(
            $"no order of the operations on {operations[0].Chunk} explains their answers; the furthest explains {_furthest} of "
            + $"{operations.Length} to {_furthestState}{(final is { } f ? $"; in the end there is version {f.Version} crc {f.Crc:x8}" : "")}\n  "
            + string.Join("\n  ", operations.Select(o => o.ToString())));
    }

    private bool Step(ChunkContent content, int first)
    {
        var seen = new List<int>();
        if (Search(content, first, seen)) return true;
        foreach (var i in seen) Mark(i, false);
        return false;
    }

    private bool Search(ChunkContent content, int first, List<int> seen)
    {
        SeeAll(content, ref first, seen);
        if (_open == 0 && (final is not { } end || (end.Version, end.Crc) == (content.Version, content.Crc))) return true;
        if (_met.Count >= MaxStates || !_met.Add((first, DoneBehind(first), content.Version, content.Crc))) return false;
        Note(content, first);
        var earliest = EarliestEnd(first);

        // What was answered must come somewhere; what was not is only tried when nothing else fits.
        foreach (var isKnown in new[] { true, false })
        {
            for (var i = first; i < operations.Length && operations[i].Began <= earliest; i++)
            {
                var operation = operations[i];
                if (_done[i] || operation.IsRead || operation.IsKnown != isKnown || content.After(operation) is not { } next) continue;
                Mark(i, true);
                if (Step(next, first)) return true;
                Mark(i, false);
            }
        }

        return false;
    }

    /// <summary>A read that fits now changes nothing, so it may as well come now.</summary>
    private void SeeAll(ChunkContent content, ref int first, List<int> seen)
    {
        for (var found = true; found;)
        {
            found = false;
            while (first < operations.Length && _done[first]) first++;
            var earliest = EarliestEnd(first);
            for (var i = first; i < operations.Length && operations[i].Began <= earliest; i++)
            {
                if (_done[i] || !operations[i].IsRead || !content.Shows(operations[i])) continue;
                Mark(i, true);
                seen.Add(i);
                found = true;
            }
        }
    }

    private long EarliestEnd(int first)
    {
        var earliest = long.MaxValue;
        for (var i = first; i < operations.Length && operations[i].Began <= earliest; i++)
            if (!_done[i] && operations[i].Ended < earliest) earliest = operations[i].Ended;
        return earliest;
    }

    private ulong DoneBehind(int first)
    {
        var hash = 14695981039346656037UL;
        for (var i = first; i < operations.Length; i++)
            if (_done[i]) hash = (hash ^ (ulong)i) * 1099511628211;
        return hash;
    }

    private void Mark(int i, bool done)
    {
        _done[i] = done;
        _depth += done ? 1 : -1;
        if (_must[i]) _open += done ? -1 : 1;
    }

    private void Note(ChunkContent content, int first)
    {
        if (_depth <= _furthest) return;
        _furthest = _depth;
        var open = operations.Skip(first).Where((_, i) => !_done[first + i]).Take(8);
        _furthestState = $"version {content.Version} crc {content.Crc:x8} and none of\n    {string.Join("\n    ", open)}\nall:";
    }
}

/// <summary>What a chunk is between two operations; version 0: there is none.</summary>
internal sealed class ChunkContent
{
    public static readonly ChunkContent None = new(0, []);

    private readonly byte[] _bytes;

    private ChunkContent(ulong version, byte[] bytes) =>
        (Version, _bytes, Crc) = (version, bytes, version == 0 ? 0 : Crc32C.Compute(bytes));

    public ulong Version { get; }

    public uint Crc { get; }

    public bool Shows(ChunkOperation read) => read.Version == Version && (Version == 0 || read.Crc == Crc);

    /// <summary>What the update makes of it; null when that is not what was answered.</summary>
    public ChunkContent? After(ChunkOperation update)
    {
        if (update.Kind == UpdateKind.Remove)
        {
            // A repetition may be told that the chunk is gone, without a version.
            if (!update.IsKnown || update.Version == 0) return None;
            return update.Version == Version + 1 ? None : null;
        }

        if (update.IsKnown && update.Version != Version + 1) return null;
        var next = new ChunkContent(Version + 1, Apply(_bytes, update));
        return update.IsKnown && update.Crc != next.Crc ? null : next;
    }

    private static byte[] Apply(byte[] content, ChunkOperation update)
    {
        var length = update.Kind switch
        {
            UpdateKind.Truncate => (int)update.Offset,
            UpdateKind.Extend => Math.Max(content.Length, (int)update.Offset),
            _ => Math.Max(content.Length, (int)update.Offset + update.Payload.Length),
        };
        var next = new byte[length];
        content.AsSpan(0, Math.Min(length, content.Length)).CopyTo(next);
        update.Payload.CopyTo(next.AsSpan(update.Kind == UpdateKind.Write ? (int)update.Offset : 0));
        return next;
    }
}
