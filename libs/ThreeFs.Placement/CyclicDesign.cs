using ThreeFs.Base;

namespace ThreeFs.Placement;

/// <summary>
/// Blocks over the integers modulo v, each shifted through all v positions (Bose, "On the construction of balanced
/// incomplete block
/// designs", 1939). How often two nodes meet then depends only on their distance, so the search has v/2 numbers to even
/// out instead
/// of v²/2. When every distance occurs equally often the design is exact: projective planes and Steiner triple systems
/// are found this way.
/// </summary>
/// <remarks>
/// The search replaces one element of one base block by another and keeps what is no worse, from several seeded starts.
/// It counts its
/// steps, not time: the same arguments give the same blocks on every machine.
/// </remarks>
internal static class CyclicDesign
{
    private const int Starts = 12;
    private const int StepsPerStart = 40_000;

    /// <summary>A step looks at every distance: large circles get fewer.</summary>
    private const int StepsTimesNodes = 2_000_000;

    /// <param name="blocks">Base blocks; each becomes <paramref name="nodes"/> chains, in which every node is
    /// <paramref name="size"/> times.</param>
    public static int[][] Find(int nodes, int size, int blocks, SeededRandom random)
    {
        int[][]? best = null;
        var bestCost = long.MaxValue;
        for (var start = 0; start < Starts; start++)
        {
            var search = new Search(nodes, size, blocks, random);
            search.Run(Math.Min(StepsPerStart, StepsTimesNodes / nodes));
            if (search.Cost >= bestCost) continue;
            (best, bestCost) = (search.Blocks, search.Cost);
            if (search.IsPerfect) break;
        }

        return
        [
            .. from block in best!
               from shift in Enumerable.Range(0, nodes)
               select block.Select(n => (n + shift) % nodes).ToArray(),
        ];
    }

    private sealed class Search
    {
        private readonly int _nodes;
        private readonly SeededRandom _random;

        /// <summary>By distance 1 … v/2: how many chains two nodes at this distance have in common.</summary>
        private readonly int[] _meet;
        private readonly long _bound;

        public Search(int nodes, int size, int blocks, SeededRandom random)
        {
            (_nodes, _random) = (nodes, random);
            _meet = new int[nodes / 2 + 1];
            Blocks = new int[blocks][];
            var all = Enumerable.Range(0, nodes).ToArray();
            for (var b = 0; b < blocks; b++)
            {
                random.Shuffle(all.AsSpan());
                Blocks[b] = all[..size];
                for (var i = 0; i < size; i++)
                for (var j = i + 1; j < size; j++)
                    Count(Blocks[b][i], Blocks[b][j], 1);
            }

            Cost = SumOfSquares();
            var (each, more) = Math.DivRem((long)blocks * size * (size - 1) * nodes / 2, (long)nodes * (nodes - 1) / 2);
            var pairs = (long)nodes * (nodes - 1) / 2;
            _bound = each * each * (pairs - more) + (each + 1) * (each + 1) * more;
        }

        public int[][] Blocks { get; }

        /// <summary>As <see cref="PairCounts.Cost"/> of the developed design.</summary>
        public long Cost { get; private set; }

        public bool IsPerfect => Cost <= _bound;

        public void Run(int steps)
        {
            var size = Blocks[0].Length;
            if (size == _nodes) return;
            for (var step = 0; step < steps && !IsPerfect; step++)
            {
                var block = Blocks[_random.Next(Blocks.Length)];
                var at = _random.Next(size);
                var (old, other) = (block[at], _random.Next(_nodes));
                if (Array.IndexOf(block, other) >= 0) continue;
                Exchange(block, at, other);
                var cost = SumOfSquares();
                if (cost <= Cost) Cost = cost;
                else Exchange(block, at, old);
            }
        }

        private void Exchange(int[] block, int at, int node)
        {
            for (var i = 0; i < block.Length; i++)
            {
                if (i == at) continue;
                Count(block[at], block[i], -1);
                Count(node, block[i], 1);
            }

            block[at] = node;
        }

        /// <summary>Opposite nodes of an even circle are met from both sides.</summary>
        private void Count(int a, int b, int change)
        {
            var distance = Math.Abs(a - b);
            distance = Math.Min(distance, _nodes - distance);
            _meet[distance] += 2 * distance == _nodes ? 2 * change : change;
        }

        private long SumOfSquares()
        {
            long sum = 0;
            for (var d = 1; d < _meet.Length; d++)
                sum += (long)_meet[d] * _meet[d] * (2 * d == _nodes ? _nodes / 2 : _nodes);
            return sum;
        }
    }
}
