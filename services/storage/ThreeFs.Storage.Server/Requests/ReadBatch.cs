using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Server.Requests;

/// <summary>The pooled pieces of one batch read; owns its buffer until the answer is sent.</summary>
internal sealed class ReadBatch(BoundedPool<ReadBatch> home) : IDisposable
{
    private readonly IoMemory[] _pieces = new IoMemory[StorageCodec.MaxReadOps];
    private readonly int[] _offsets = new int[StorageCodec.MaxReadOps];

    public readonly ReadOp[] Ops = new ReadOp[StorageCodec.MaxReadOps];
    public readonly ReadResult[] Results = new ReadResult[StorageCodec.MaxReadOps];
    public readonly ValueTask<ReadResult>[] Reading = new ValueTask<ReadResult>[StorageCodec.MaxReadOps];

    public BufferLease? Buffer { get; set; }

    /// <summary>Gives every op its place; false when they ask for more than <paramref name="limit"/> bytes.</summary>
    public bool TryLayOut(ReadOnlySpan<byte> header, int count, int limit, out long size)
    {
        size = 0;
        var wanted = 0L;
        for (var i = 0; i < count; i++)
        {
            Ops[i] = StorageCodec.ReadReadOp(header[(i * StorageCodec.ReadOpSize)..]);
            wanted += Ops[i].Length;
            if (wanted > limit || size > 64 << 20) return false;
            _offsets[i] = (int)size;
            size += (Ops[i].Length + BufferPool.Alignment - 1L) / BufferPool.Alignment * BufferPool.Alignment;
        }

        return size <= 64 << 20;
    }

    /// <summary>The op's part of the buffer, rounded up to whole pages.</summary>
    public IoMemory Destination(int index)
    {
        var length = (int)((Ops[index].Length + BufferPool.Alignment - 1L) / BufferPool.Alignment * BufferPool.Alignment);
        return Buffer!.Memory.Slice(_offsets[index], length);
    }

    public void WriteResults(Span<byte> header, int count)
    {
        for (var i = 0; i < count; i++) StorageCodec.Write(header[(i * StorageCodec.ReadResultSize)..], Results[i]);
    }

    /// <summary>Every op's bytes in full, zeros where there is nothing, except behind the last one's end.</summary>
    public IoSlices Payload(int count)
    {
        var used = 0;
        for (var i = 0; i < count; i++)
        {
            var delivered = Results[i].Code == StatusCode.Ok ? (int)Results[i].Length : 0;
            var piece = Buffer!.Memory.Slice(_offsets[i], i == count - 1 ? delivered : (int)Ops[i].Length);
            if (delivered < piece.Length) piece.Span[delivered..].Clear();
            if (!piece.IsEmpty) _pieces[used++] = piece;
        }

        return new IoSlices(_pieces, used);
    }

    public void Dispose()
    {
        Buffer?.Dispose();
        Buffer = null;
        home.TryAdd(this);
    }
}
