using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Linux;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Transport.Rdma;

/// <summary>
/// The memory of a process that its adapters may reach: every range it was told of, registered with an adapter when the
/// first transfer needs it and until it is freed. Lookups take no lock. Thread-safe.
/// </summary>
/// <remarks>
/// Large ranges are registered in pieces, each when it is needed, because registering pins memory and takes as long as
/// touching it. What an adapter refuses (an ordinary user's limit on locked memory, for one) is not asked for again. A
/// transfer to or from such memory, or across two pieces, is copied through a buffer that is registered.
/// </remarks>
public sealed unsafe class RdmaMemory : IMemoryObserver
{
    private const int PieceShift = 26; // 64 MiB, as long as the largest payload in one buffer

    private readonly Lock _lock = new();

    /// <summary>Ordered by address; replaced as a whole under the lock.</summary>
    private volatile Range[] _ranges = [];

    /// <inheritdoc/>
    public void Added(nint address, long length)
    {
        lock (_lock)
        {
            var ranges = _ranges;
            var place = ~IndexOf(ranges, address);
            Invariant.Check(place >= 0, "memory is added once");
            var more = new Range[ranges.Length + 1];
            Array.Copy(ranges, more, place);
            more[place] = new Range(address, length);
            Array.Copy(ranges, place, more, place + 1, ranges.Length - place);
            _ranges = more;
        }
    }

    /// <inheritdoc/>
    public void Removing(nint address)
    {
        Range removed;
        lock (_lock)
        {
            var ranges = _ranges;
            var place = IndexOf(ranges, address);
            Invariant.Check(place >= 0, "memory that is removed was added");
            removed = ranges[place];
            _ranges = [.. ranges.AsSpan(0, place), .. ranges.AsSpan(place + 1)];
        }

        removed.Forget();
    }

    /// <summary>
    /// The registration that covers the memory, made if need be. Null when it is not in a known range, or the adapter
    /// refuses it.
    /// </summary>
    internal IbMr* Find(RdmaDevice device, RdmaDomain domain, IoMemory memory)
    {
        var ranges = _ranges;
        var place = IndexOf(ranges, memory.Address);
        if (place < 0) place = ~place - 1;
        if (place < 0) return null;
        var piece = ranges[place].PieceOf(memory);
        return piece is null ? null : piece.Registration(device, domain);
    }

    /// <summary>The range that begins there, or the complement of where it would be.</summary>
    private static int IndexOf(Range[] ranges, nint address)
    {
        var low = 0;
        var high = ranges.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var start = ranges[middle].Address;
            if (start == address) return middle;
            if (start < address) low = middle + 1;
            else high = middle - 1;
        }

        return ~low;
    }

    private sealed class Range
    {
        private readonly long _length;
        private readonly Piece[] _pieces;

        public Range(nint address, long length)
        {
            Address = address;
            _length = length;
            _pieces = new Piece[(int)((length + (1L << PieceShift) - 1) >> PieceShift)];
            for (var i = 0; i < _pieces.Length; i++)
            {
                var offset = (long)i << PieceShift;
                _pieces[i] = new Piece(address + (nint)offset, (nuint)Math.Min(length - offset, 1L << PieceShift));
            }
        }

        public nint Address { get; }

        /// <summary>The piece that holds all of the memory.</summary>
        public Piece? PieceOf(IoMemory memory)
        {
            var first = memory.Address - Address;
            var end = first + memory.Length;
            if (first < 0 || end > _length || memory.IsEmpty) return null;
            var piece = (long)first >> PieceShift;
            return piece == (end - 1) >> PieceShift ? _pieces[piece] : null;
        }

        public void Forget()
        {
            foreach (var piece in _pieces) piece.Forget();
        }
    }

    private sealed class Piece(nint address, nuint length)
    {
        /// <summary>Of an adapter that refused.</summary>
        private static readonly nint _refused = -1;

        private readonly Lock _lock = new();
        private nint[] _registrations = [];
        private bool _forgotten;

        public IbMr* Registration(RdmaDevice device, RdmaDomain domain)
        {
            var slot = device.Index * 2 + (int)domain;
            var known = Volatile.Read(ref _registrations);
            var found = slot < known.Length ? known[slot] : 0;
            if (found == 0) found = Register(device, domain, slot);
            return found == _refused ? null : (IbMr*)found;
        }

        private nint Register(RdmaDevice device, RdmaDomain domain, int slot)
        {
            lock (_lock)
            {
                if (_forgotten) return _refused;
                if (slot < _registrations.Length && _registrations[slot] != 0) return _registrations[slot];
                var access = IbAccess.LocalWrite;
                if (domain == RdmaDomain.Calls) access |= IbAccess.RemoteWrite | IbAccess.RemoteRead;
                var made = (nint)IbVerbs.RegisterMr(device.Domain(domain), address, length, access);
                var more = new nint[Math.Max(_registrations.Length, slot + 1)];
                _registrations.CopyTo(more, 0);
                more[slot] = made == 0 ? _refused : made;
                Volatile.Write(ref _registrations, more);
                return more[slot];
            }
        }

        public void Forget()
        {
            lock (_lock)
            {
                _forgotten = true;
                foreach (var registration in _registrations)
                {
                    if (registration is 0 or -1) continue;
                    var code = IbVerbs.DeregisterMr((IbMr*)registration);
                    Invariant.Check(code is 0 or Errno.EIO, "a registration that nothing uses can be given back");
                }

                _registrations = [];
            }
        }
    }
}
