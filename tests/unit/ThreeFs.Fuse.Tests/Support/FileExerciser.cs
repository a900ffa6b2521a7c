using ThreeFs.Base;

namespace ThreeFs.Fuse.Tests.Support;

/// <summary>
/// Random operations on one file through buffered, direct and mapped access, each compared with a byte array: what fsx
/// does. A failure names seed and operation.
/// </summary>
internal sealed unsafe class FileExerciser(string path, ulong seed)
{
    private const int MaxLength = 3 << 20;
    private const int MaxTransfer = 400 << 10;
    private const int Block = 4096;

    private readonly SeededRandom _random = new(seed);
    private readonly byte[] _model = new byte[MaxLength];
    private readonly nint _buffer = Posix.Aligned(MaxTransfer + Block);
    private readonly List<string> _history = [];
    private int _length;
    private int _buffered;
    private int _direct;

    public void Run(int operations)
    {
        Open(create: true);
        for (var i = 0; i < operations; i++)
        {
            switch (_random.Next(13))
            {
                case 0 or 1 or 2: Write(direct: false); break;
                case 3 or 4: Write(direct: true); break;
                case 5 or 6: Read(direct: false); break;
                case 7: Read(direct: true); break;
                case 8: Truncate(); break;
                case 9: Map(write: true); break;
                case 10: Map(write: false); break;
                case 11: Clear(); break;
                default: Reopen(); break;
            }

            Check(Posix.LSeek(_buffered, 0, 2) == _length,
                $"the end is at {Posix.LSeek(_buffered, 0, 2)}, not {_length}");
        }

        Posix.Close(_buffered);
        Posix.Close(_direct);
        Posix.Free(_buffer);
    }

    private void Open(bool create)
    {
        _buffered = Posix.MustOpen(path, Posix.O_RDWR | (create ? Posix.O_CREAT : 0));
        _direct = Posix.MustOpen(path, Posix.O_RDWR | Posix.O_DIRECT);
    }

    private void Write(bool direct)
    {
        var (offset, size) = Range(direct);
        Did($"write {size} at {offset}{(direct ? " direct" : "")}");
        var bytes = new Span<byte>((void*)_buffer, size);
        _random.NextBytes(bytes);
        Check(Posix.PWrite(direct ? _direct : _buffered, _buffer, size, offset) == size, $"{Posix.Error}");
        bytes.CopyTo(_model.AsSpan(offset));
        _length = Math.Max(_length, offset + size);
    }

    private void Read(bool direct)
    {
        var (offset, size) = Range(direct);
        Did($"read {size} at {offset}{(direct ? " direct" : "")}");
        var expected = Math.Clamp(_length - offset, 0, size);
        var read = (int)Posix.PRead(direct ? _direct : _buffered, _buffer, size, offset);
        Check(read == expected, $"{read} bytes read, not {expected}");
        Compare(new Span<byte>((void*)_buffer, read), offset);
    }

    private void Truncate()
    {
        var length = _random.Next(MaxLength);
        if (_random.NextBool(0.5) && _length > 0) length = _random.Next(_length);
        Did($"truncate to {length}");
        Check(Posix.FTruncate(_buffered, length) == 0, $"{Posix.Error}");
        if (length < _length) _model.AsSpan(length, _length - length).Clear();
        _length = length;
    }

    private void Clear()
    {
        var (offset, size) = Range(aligned: false);
        var mode = _random.NextBool(0.5) ? Posix.FALLOC_PUNCH_HOLE : Posix.FALLOC_ZERO_RANGE;
        var keepsSize = mode == Posix.FALLOC_PUNCH_HOLE || _random.NextBool(0.5);
        if (keepsSize) mode |= Posix.FALLOC_KEEP_SIZE;
        Did($"fallocate {mode} {size} at {offset}");
        Check(Posix.FAllocate(_buffered, mode, offset, size) == 0, $"{Posix.Error}");
        _model.AsSpan(offset, size).Clear();
        if (!keepsSize) _length = Math.Max(_length, offset + size);
    }

    private void Map(bool write)
    {
        if (_length == 0) return;
        var offset = _random.Next(_length) / Block * Block;
        var size = Math.Min(1 + _random.Next(MaxTransfer), _length - offset);
        Did($"map {(write ? "write" : "read")} {size} at {offset}");
        var map = Posix.MMap(0, size, Posix.PROT_READ | Posix.PROT_WRITE, Posix.MAP_SHARED, _buffered, offset);
        Check(map != -1, $"mmap: {Posix.Error}");
        if (write)
        {
            var bytes = new Span<byte>((void*)_buffer, size);
            _random.NextBytes(bytes);
            Posix.MemCpy(map, _buffer, size);
            bytes.CopyTo(_model.AsSpan(offset));
            Check(Posix.MSync(map, size, Posix.MS_SYNC) == 0, $"msync: {Posix.Error}");
        }
        else
        {
            Posix.MemCpy(_buffer, map, size);
            Compare(new Span<byte>((void*)_buffer, size), offset);
        }

        Posix.MUnmap(map, size);
    }

    private void Reopen()
    {
        Did("close and open");
        Check(Posix.FSync(_buffered) == 0, $"fsync: {Posix.Error}");
        Posix.Close(_buffered);
        Posix.Close(_direct);
        Open(create: false);
    }

    /// <summary>A random place and size within the largest length; in whole blocks for direct access.</summary>
    private (int Offset, int Size) Range(bool aligned)
    {
        var size = 1 + _random.Next(_random.NextBool(0.3) ? MaxTransfer : 9000);
        if (aligned) size = (size + Block - 1) / Block * Block;
        var offset = _random.Next(MaxLength - size + 1);
        return (aligned ? offset / Block * Block : offset, size);
    }

    private void Compare(ReadOnlySpan<byte> actual, int offset)
    {
        var same = actual.CommonPrefixLength(_model.AsSpan(offset, actual.Length));
        Check(same == actual.Length, $"byte {offset + same} differs");
    }

    private void Did(string what) => _history.Add(what);

    private void Check(bool condition, string what)
    {
        if (condition) return;
        var last = string.Join(", ", _history.TakeLast(12));
        Assert.Fail($"seed {seed}, operation {_history.Count}: {what}; last: {last}");
    }
}
