using ThreeFs.Base;

namespace ThreeFs.Placement;

/// <summary>
/// The order of targets in their chains: every node is head, second, … and tail as evenly as its number of targets
/// allows (they differ
/// by one at most), and the nodes that take over a dead head's chains are spread too.
/// </summary>
/// <remarks>
/// Chains and nodes are the two sides of a graph whose edges are the targets; a position is a colour. A node is cut
/// into pieces of as many
/// edges as a chain has, so that a proper colouring with that many colours gives each piece every position at most
/// once: it exists and
/// is found along alternating paths (König, 1916). Exchanging two colours on a whole such path keeps the balance, which
/// is how
/// successors are evened out.
/// </remarks>
internal static class ChainOrder
{
    private const int StepsPerChain = 60;

    /// <summary>Reorders each chain in place.</summary>
    public static void Balance(int[][] chains, int nodes, SeededRandom random)
    {
        if (chains.Length == 0 || chains[0].Length == 1) return;
        var colouring = new Colouring(chains, nodes);
        colouring.SpreadSuccessors(random, chains.Length * StepsPerChain);
        colouring.WriteTo(chains);
    }

    private sealed class Colouring
    {
        private const int None = -1;

        private readonly int _size;
        private readonly int _nodes;

        /// <summary>[chain, colour] → piece, and [piece, colour] → chain.</summary>
        private readonly int[,] _pieceOf;
        private readonly int[,] _chainOf;
        private readonly int[] _nodeOf;

        /// <summary>[head, second] → chains; who takes over from whom.</summary>
        private readonly int[,] _follows;

        /// <summary>Σ of the squares of <see cref="_follows"/>.</summary>
        private long _crowding;

        public Colouring(int[][] chains, int nodes)
        {
            (_size, _nodes) = (chains[0].Length, nodes);
            var edges = new int[nodes];
            var nodeOf = new List<int>();
            var pieces = new Dictionary<(int Node, int Part), int>();
            _pieceOf = Filled(chains.Length, _size);
            var todo = new List<(int Chain, int Piece)>();
            for (var c = 0; c < chains.Length; c++)
            {
                foreach (var node in chains[c])
                {
                    var part = (node, edges[node]++ / _size);
                    if (!pieces.TryGetValue(part, out var piece))
                    {
                        pieces.Add(part, piece = nodeOf.Count);
                        nodeOf.Add(node);
                    }

                    todo.Add((c, piece));
                }
            }

            _nodeOf = [.. nodeOf];
            _chainOf = Filled(_nodeOf.Length, _size);
            foreach (var (chain, piece) in todo) Colour(chain, piece);
            _follows = new int[nodes, nodes];
            for (var c = 0; c < chains.Length; c++) CountSuccessor(c, 1);
        }

        public void WriteTo(int[][] chains)
        {
            for (var c = 0; c < chains.Length; c++)
            for (var p = 0; p < _size; p++)
                chains[c][p] = _nodeOf[_pieceOf[c, p]];
        }

        public void SpreadSuccessors(SeededRandom random, int steps)
        {
            var chains = _pieceOf.GetLength(0);
            // Nobody can follow the same head less often than in one chain.
            for (var step = 0; step < steps && _crowding > chains; step++)
            {
                // A path that leaves the first two positions alone changes no successor.
                var (a, b) = (random.Next(2), random.Next(_size));
                if (a == b) continue;
                var path = PathThrough(random.Next(chains), a, b);
                var before = _crowding;
                Exchange(path, a, b);
                if (_crowding > before) Exchange(path, a, b);
            }
        }

        /// <summary>Gives one more edge a colour, first making one free at both ends.</summary>
        private void Colour(int chain, int piece)
        {
            var (atChain, atPiece) = (Free(_pieceOf, chain), Free(_chainOf, piece));
            if (_chainOf[piece, atChain] != None)
            {
                // Along atChain, atPiece, atChain, … from the piece: the path cannot come back to the chain, which has
                // no atChain.
                var path = new List<(int Chain, int Piece, int Colour)>();
                for (var (at, colour) = (piece, atChain); ;)
                {
                    var next = _chainOf[at, colour];
                    if (next == None) break;
                    path.Add((next, at, colour));
                    colour = Other(colour, atChain, atPiece);
                    at = _pieceOf[next, colour];
                    if (at == None) break;
                    path.Add((next, at, colour));
                    colour = Other(colour, atChain, atPiece);
                }

                foreach (var (c, p, colour) in path) _pieceOf[c, colour] = _chainOf[p, colour] = None;
                foreach (var (c, p, colour) in path) Set(c, p, Other(colour, atChain, atPiece));
            }

            Set(chain, piece, atChain);
        }

        private static int Other(int colour, int a, int b) => colour == a ? b : a;

        private void Set(int chain, int piece, int colour)
        {
            Invariant.Check(
                _pieceOf[chain, colour] == None && _chainOf[piece, colour] == None, "a position is taken once");
            _pieceOf[chain, colour] = piece;
            _chainOf[piece, colour] = chain;
        }

        /// <summary>The chains whose a-th and b-th targets have to change places together.</summary>
        private List<int> PathThrough(int chain, int a, int b)
        {
            var path = new List<int> { chain };
            Walk(chain, a, b, path);
            if (path.Count == 1 || _chainOf[_pieceOf[path[^1], b], a] != chain) Walk(chain, b, a, path);
            return path;
        }

        /// <summary>Goes on over the piece at <paramref name="to"/> until it ends or closes.</summary>
        private void Walk(int chain, int from, int to, List<int> path)
        {
            for (var at = chain; ;)
            {
                at = _chainOf[_pieceOf[at, to], from];
                if (at == None || at == chain) return;
                path.Add(at);
            }
        }

        private void Exchange(List<int> path, int a, int b)
        {
            foreach (var c in path)
            {
                CountSuccessor(c, -1);
                (_pieceOf[c, a], _pieceOf[c, b]) = (_pieceOf[c, b], _pieceOf[c, a]);
            }

            foreach (var piece in path.SelectMany(c => new[] { _pieceOf[c, a], _pieceOf[c, b] }))
                _chainOf[piece, a] = _chainOf[piece, b] = None;
            foreach (var c in path)
            {
                _chainOf[_pieceOf[c, a], a] = c;
                _chainOf[_pieceOf[c, b], b] = c;
                CountSuccessor(c, 1);
            }
        }

        private void CountSuccessor(int chain, int change)
        {
            ref var count = ref _follows[_nodeOf[_pieceOf[chain, 0]], _nodeOf[_pieceOf[chain, 1]]];
            _crowding -= (long)count * count;
            count += change;
            _crowding += (long)count * count;
        }

        private int Free(int[,] row, int index)
        {
            for (var colour = 0; colour < _size; colour++)
            {
                if (row[index, colour] == None) return colour;
            }

            throw Invariant.Unreachable("no vertex has more edges than there are colours");
        }

        private static int[,] Filled(int rows, int columns)
        {
            var table = new int[rows, columns];
            for (var r = 0; r < rows; r++)
            for (var c = 0; c < columns; c++)
                table[r, c] = None;
            return table;
        }
    }
}
