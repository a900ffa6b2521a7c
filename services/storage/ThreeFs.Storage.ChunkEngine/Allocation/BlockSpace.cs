using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.ChunkEngine.Index;
using ThreeFs.Storage.ChunkEngine.Records;

namespace ThreeFs.Storage.ChunkEngine.Allocation;

/// <summary>
/// All classes' blocks and the disk space below them. Space is taken from the disk when a block is handed out, so that no later
/// write to the block can meet a full disk, and never beyond the reserve that the index needs.
/// </summary>
internal sealed class BlockSpace
{
    /// <summary>Bytes taken from the disk in one call: small blocks share it.</summary>
    private const int ReserveStep = 1 << 20;

    private const byte BitmapVersion = 1;

    private readonly IBlockDevice _device;
    private readonly ChunkStoreOptions _options;
    private readonly BlockAllocator[] _classes = new BlockAllocator[BlockClass.Count];
    private readonly Queue<BlockPosition> _retired = new();

    public BlockSpace(IBlockDevice device, ChunkStoreOptions options)
    {
        _device = device;
        _options = options;
        for (var i = 0; i < _classes.Length; i++) _classes[i] = new BlockAllocator(new BlockClass((byte)i));
    }

    public int RetiredCount => _retired.Count;

    public long RetiredBytes { get; private set; }

    public long TakenBytes
    {
        get
        {
            var sum = 0L;
            foreach (var c in _classes) sum += c.TakenBlocks << c.Size.Shift;
            return sum;
        }
    }

    private long ReservedBytes
    {
        get
        {
            var sum = 0L;
            foreach (var c in _classes) sum += c.ReservedBlocks << c.Size.Shift;
            return sum;
        }
    }

    public BlockAllocator Of(BlockClass size) => _classes[size.Value];

    /// <summary>Hands out a block with disk space, or NoSpace.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<(StatusCode Code, BlockPosition Position)> TakeAsync(BlockClass size)
    {
        if (TakenBytes + size.Bytes > _options.MaxBlockBytes) return (StatusCode.NoSpace, default);
        var blocks = Of(size);
        var position = blocks.Take();
        if (blocks.IsReserved(position)) return (StatusCode.Ok, position);
        var step = Math.Max(ReserveStep, size.Bytes);
        var code = await ReserveAsync(position, step);
        if (code == StatusCode.NoSpace && step > size.Bytes) code = await ReserveAsync(position, size.Bytes);
        if (code == StatusCode.Ok) return (StatusCode.Ok, position);
        blocks.GiveBack(position);
        return (code, default);
    }

    /// <summary>The block was never referred to by a record: it can be handed out again at once.</summary>
    public void GiveBack(BlockPosition position) => Of(position.Class).GiveBack(position);

    /// <summary>Adds to the batch that a record in it refers to the block.</summary>
    public void Store(IndexBatch batch, BlockPosition position) => PutBitmap(batch, position, Of(position.Class).Store(position));

    /// <summary>
    /// Adds to the batch that no record refers to the block any more. It is not handed out before the batch is durable
    /// (<see cref="GiveBackRetired"/>): until then a crash may bring the old record back.
    /// </summary>
    public void Unstore(IndexBatch batch, BlockPosition position)
    {
        PutBitmap(batch, position, Of(position.Class).Unstore(position));
        _retired.Enqueue(position);
        RetiredBytes += position.Class.Bytes;
    }

    /// <summary>The oldest <paramref name="count"/> retired blocks are free now.</summary>
    public void GiveBackRetired(int count)
    {
        for (; count > 0; count--)
        {
            var position = _retired.Dequeue();
            RetiredBytes -= position.Class.Bytes;
            GiveBack(position);
        }
    }

    /// <summary>Punches out one empty group; false when there is none.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<bool> ReleaseOneGroupAsync()
    {
        foreach (var blocks in _classes)
        {
            if (!blocks.TryBeginRelease(out var group)) continue;
            var bytes = (long)BlockBitmap.Bits << blocks.Size.Shift;
            var code = await _device.ReleaseAsync(blocks.Size, group * bytes, bytes);
            blocks.EndRelease(group, code == StatusCode.Ok);
            return code == StatusCode.Ok;
        }

        return false;
    }

    public SpaceInfo GetInfo()
    {
        var disk = _device.GetSpace();
        var taken = TakenBytes;
        var free = Math.Max(0, disk.FreeBytes - _options.ReservedBytes) + Math.Max(0, ReservedBytes - taken);
        if (_options.MaxBlockBytes != long.MaxValue) free = Math.Min(free, Math.Max(0, _options.MaxBlockBytes - taken));
        return new SpaceInfo(disk.CapacityBytes, free, taken, free < disk.CapacityBytes * _options.LowSpaceShare);
    }

    /// <summary>Compares the bitmaps of the index with the blocks that its records refer to.</summary>
    public Status LoadBitmaps(IChunkIndex index)
    {
        var seen = new HashSet<(byte Size, int Group)>();
        var status = Status.Ok;
        var scan = index.Scan([Keys.Bitmap], (key, value) =>
        {
            status = CheckBitmap(key, value, seen);
            return status.IsOk;
        });
        if (!scan.IsOk) return scan;
        if (!status.IsOk) return status;
        foreach (var blocks in _classes)
        {
            for (var group = 0; group < blocks.GroupCount; group++)
            {
                if (blocks.StoredOf(group).Count == 0 || seen.Contains((blocks.Size.Value, group))) continue;
                return new Status(StatusCode.Corruption, $"chunks lie in group {group} of {blocks.Size} blocks, which the allocator knows as empty");
            }
        }

        return Status.Ok;
    }

    private Status CheckBitmap(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, HashSet<(byte Size, int Group)> seen)
    {
        if (value.IsEmpty) return RecordErrors.Malformed("bitmap", key, "it is empty");
        if (value[0] != BitmapVersion) return RecordErrors.UnknownVersion("bitmap", value[0], BitmapVersion);
        if (key.Length != 6 || key[1] >= BlockClass.Count || value.Length != 1 + BlockBitmap.Bytes)
            return RecordErrors.Malformed("bitmap", key, "its size is wrong");
        var blocks = _classes[key[1]];
        var group = (int)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(key[2..]);
        seen.Add((key[1], group));
        return blocks.StoredOf(group).SameAs(BlockBitmap.Read(value[1..]))
            ? Status.Ok
            : new Status(StatusCode.Corruption, $"allocator and chunks disagree about group {group} of {blocks.Size} blocks");
    }

    private static void PutBitmap(IndexBatch batch, BlockPosition position, in BlockBitmap bitmap)
    {
        Span<byte> room = stackalloc byte[Keys.MaxSize];
        var key = Keys.ForBitmap(room, position.Class, (int)(position.Index / BlockBitmap.Bits));
        if (bitmap.Count == 0)
        {
            batch.Delete(key);
            return;
        }

        var value = batch.BeginPut(key, 1 + BlockBitmap.Bytes);
        value[0] = BitmapVersion;
        bitmap.WriteTo(value[1..]);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> ReserveAsync(BlockPosition position, int step)
    {
        if (_device.GetSpace().FreeBytes - step < _options.ReservedBytes) return StatusCode.NoSpace;
        var size = position.Class;
        var start = position.Offset / step * step;
        var code = await _device.ReserveAsync(size, start, step);
        if (code != StatusCode.Ok) return code;
        for (var i = start >> size.Shift; i < (start + step) >> size.Shift; i++) Of(size).MarkReserved(new BlockPosition(size, i));
        return StatusCode.Ok;
    }
}
