using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Files;

/// <summary>
/// Many reads of many files, sent to the storage servers in as few requests as possible, every byte received where it belongs. Filled,
/// run, asked for the results, cleared, and filled again; allocates nothing once it has grown. Not thread-safe.
/// </summary>
public sealed class FileReadBatch(StorageClient storage)
{
    private Entry[] _entries = new Entry[64];
    private ReadPiece[] _pieces = new ReadPiece[64];
    private int _pieceCount;

    /// <summary>Reads added since it was cleared.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// Adds a read that fills the destination; the caller knows that the file does not end before. Its index is how many were added before.
    /// </summary>
    public void Add(FileContent file, long offset, IoMemory destination)
    {
        Invariant.Check(offset >= 0 && destination.Length > 0, "a read has a place and a length");
        if (Count == _entries.Length) Array.Resize(ref _entries, Count * 2);
        var first = _pieceCount;
        for (var done = 0; done < destination.Length;)
        {
            if (_pieceCount == _pieces.Length) Array.Resize(ref _pieces, _pieceCount * 2);
            var within = file.Placement.OffsetInChunk(offset + done);
            var size = (int)Math.Min(destination.Length - done, file.Placement.Layout.ChunkSize - within);
            var index = file.Placement.ChunkIndexOf(offset + done);
            _pieces[_pieceCount++] = new ReadPiece(
                file.ChainOf(index), new ChunkId(file.Inode, index), within, new IoSlices(destination.Slice(done, size)));
            done += size;
        }

        _entries[Count++] = new Entry(first, _pieceCount);
    }

    /// <summary>Completes when every read has its result.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<bool> RunAsync(ReadFlags flags, CancellationToken ct)
    {
        if (_pieceCount > 0) await storage.ReadBatchAsync(_pieces, _pieceCount, flags, ct);
        return true;
    }

    /// <summary>Ok, with every byte of the destination set, or the first failure.</summary>
    /// <param name="metHole">Some of the bytes were never written, and were set to zero.</param>
    public StatusCode ResultOf(int index, out bool metHole)
    {
        metHole = false;
        var entry = _entries[index];
        for (var i = entry.First; i < entry.End; i++)
        {
            ref var piece = ref _pieces[i];
            if (piece.Result.Code is not (StatusCode.Ok or StatusCode.ChunkNotFound)) return piece.Result.Code;
            if (piece.Result.Length >= piece.Destination.TotalLength) continue;
            metHole = true;
            SliceWindow.Clear(piece.Destination, piece.Result.Length);
        }

        return StatusCode.Ok;
    }

    public void Clear()
    {
        Array.Clear(_pieces, 0, _pieceCount);
        (_pieceCount, Count) = (0, 0);
    }

    private readonly record struct Entry(int First, int End);
}
