using ThreeFs.Base;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Checks.Names;

/// <summary>
/// What clients did to the names below one directory and what they were answered, and the judge of it: there must be one order of all
/// operations that agrees with time and gives every answer (Wing and Gong, "Testing and verifying concurrent objects", 1993; states
/// that were met before are not entered again, after Lowe, 2017). An operation without an answer may have happened at any
/// time after its beginning, or never.
/// </summary>
internal sealed class NameHistory(InodeId root)
{
    private const int MaxStates = 50_000;

    private readonly List<NameOp> _ops = [];

    public InodeId Root => root;

    public int Count => _ops.Count;

    public NameOp Begin(NameOp op)
    {
        _ops.Add(op);
        return op;
    }

    /// <summary>Throws when no order explains the answers.</summary>
    /// <param name="durable">
    /// After a loss of power: operations answered before this time must have happened, all later ones may have been undone from some
    /// place on. Otherwise null.
    /// </param>
    /// <param name="final">What the directories hold now, each listed once.</param>
    /// <returns>False when there were too many orders to try.</returns>
    public bool Check(long? durable, NameOp[] final)
    {
        var ops = _ops.Where(o => o.IsKnown || !o.IsRead).OrderBy(o => o.Began).ToArray();
        var must = durable is { } time ? ops.Where(o => o.Ended < time).ToHashSet() : ops.Where(o => o.IsKnown).ToHashSet();
        var search = new Search(ops, must, final, new NameState(root));
        if (search.Run()) return true;
        if (search.IsExhausted) return false;
        var shown = search.FurthestOpen.Take(12).Select(o => "  " + o);
        throw new SimFailure(
            $"no order of the operations on names below {root} explains their answers{(durable is null ? "" : " after the loss of power")}; "
            + $"the furthest explains {search.Furthest} of {ops.Length} to the state\n  {search.FurthestState.Key}\nand none of\n{string.Join('\n', shown)}"
            + $"\nin the end there is\n  {string.Join("\n  ", final.Select(f => f.ToString()))}\nall:\n  {string.Join("\n  ", ops.Select(o => o.ToString()))}");
    }

    /// <summary>Depth first over the operations that may come next: those that no other open one ended before.</summary>
    private sealed class Search(NameOp[] ops, HashSet<NameOp> must, NameOp[] final, NameState start)
    {
        private readonly HashSet<string> _met = [];
        private readonly bool[] _done = new bool[ops.Length];
        private int _open = must.Count;
        private int _depth;

        public int Furthest { get; private set; } = -1;

        public NameState FurthestState { get; private set; } = null!;

        public List<NameOp> FurthestOpen { get; private set; } = [];

        public bool IsExhausted => _met.Count >= MaxStates;

        public bool Run() => Step(start, 0);

        private bool Step(NameState state, int first)
        {
            if (_open == 0 && EndsIn(state)) return true;
            if (IsExhausted || !_met.Add(KeyOf(state, first))) return false;
            while (first < ops.Length && _done[first]) first++;
            Note(state, first);
            var earliestEnd = long.MaxValue;
            for (var i = first; i < ops.Length && ops[i].Began <= earliestEnd; i++)
                if (!_done[i] && ops[i].Ended < earliestEnd) earliestEnd = ops[i].Ended;
            for (var i = first; i < ops.Length && ops[i].Began <= earliestEnd; i++)
            {
                if (_done[i]) continue;
                var next = state.Apply(ops[i], i);
                if (next is null) continue;
                Mark(i, true);
                if (Step(next, first)) return true;
                Mark(i, false);
            }

            return false;
        }

        private void Mark(int i, bool done)
        {
            _done[i] = done;
            _depth += done ? 1 : -1;
            if (must.Contains(ops[i])) _open += done ? -1 : 1;
        }

        private bool EndsIn(NameState state)
        {
            var left = state;
            foreach (var listing in final)
            {
                left = left.Apply(listing, 0);
                if (left is null) return false;
            }

            return true;
        }

        private void Note(NameState state, int first)
        {
            if (_depth <= Furthest) return;
            (Furthest, FurthestState) = (_depth, state);
            FurthestOpen = [.. ops.Skip(first).Where((_, i) => !_done[first + i])];
        }

        private string KeyOf(NameState state, int first)
        {
            while (first < ops.Length && _done[first]) first++;
            var key = new System.Text.StringBuilder().Append(first);
            for (var i = first; i < ops.Length; i++)
                if (_done[i]) key.Append(',').Append(i);
            return key.Append(' ').Append(state.Key).ToString();
        }
    }
}
