using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Simulation;

/// <summary>
/// A device in memory that keeps the contract of <see cref="IBlockDevice"/> and not more: unflushed writes may be lost or torn at
/// 512-byte sectors when the machine dies, writes in flight also when only the process dies.
/// </summary>
/// <remarks>
/// A crash makes a new device with what is left; the old one is dead and completes nothing. Content that was never written, and
/// of released ranges, is a pattern and not zeros, so that nobody relies on either.
/// </remarks>
public sealed class SimulatedDevice : IBlockDevice
{
    private const int Sector = 512;

    private readonly Dictionary<(byte File, long Unit), SimulatedUnit> _units = [];
    private readonly HashSet<(byte File, long Unit)> _reserved = [];
    private readonly Dictionary<(byte File, long Unit), (DiskDamage Kind, int Byte)> _damaged = [];
    private readonly SimulatedWork _work;
    private readonly List<Action> _held = [];
    private long _writes;

    public SimulatedDevice(SimulatedWork work, long capacityBytes = 1L << 40)
    {
        _work = work;
        CapacityBytes = capacityBytes;
    }

    public long CapacityBytes { get; set; }

    /// <summary>Bytes of the disk that others have taken.</summary>
    public long OthersBytes { get; set; }

    /// <summary>Answers the next operations with this code instead of doing them; Ok does them.</summary>
    public StatusCode FailReads { get; set; }

    public StatusCode FailWrites { get; set; }

    /// <summary>Reads started from now on wait for <see cref="ReleaseReads"/>.</summary>
    public bool HoldReads { get; set; }

    public StatusCode FailFlushes { get; set; }

    public long BytesWritten { get; private set; }

    public ValueTask<StatusCode> ReadAsync(BlockClass file, long offset, IoMemory destination)
    {
        CheckAligned(offset, destination.Length);
        if (FailReads != StatusCode.Ok) return ValueTask.FromResult(FailReads);
        return HoldReads ? HoldAsync(Read) : _work.RunAsync(Read);

        StatusCode Read()
        {
            for (var done = 0; done < destination.Length; done += IBlockDevice.Unit)
            {
                if (DamageAt(file, offset + done) == DiskDamage.Unreadable) return StatusCode.IoError;
                Current(file, offset + done).CopyTo(destination.Span[done..]);
            }

            return StatusCode.Ok;
        }
    }

    /// <summary>A file for each class, which exists in here only: its inode is the class's number plus one.</summary>
    public DeviceFile? FileOf(BlockClass file) => new(1, file.Value + 1UL, ReadOnlyMemory<byte>.Empty);

    /// <summary>Does the reads that were held.</summary>
    public void ReleaseReads()
    {
        HoldReads = false;
        foreach (var read in _held.ToArray()) read();
        _held.Clear();
    }

    public ValueTask<StatusCode> WriteAsync(BlockClass file, long offset, IoMemory source)
    {
        CheckAligned(offset, source.Length);
        if (FailWrites != StatusCode.Ok) return ValueTask.FromResult(FailWrites);
        var write = new PendingWrite(this, file, offset, source);
        return _work.RunAsync(
            () =>
            {
                for (var done = 0; done < source.Length; done += IBlockDevice.Unit)
                    Put(file, offset + done, source.Span.Slice(done, IBlockDevice.Unit).ToArray());
                return StatusCode.Ok;
            },
            write);
    }

    public ValueTask<StatusCode> FlushAsync()
    {
        if (FailFlushes != StatusCode.Ok) return ValueTask.FromResult(FailFlushes);
        var covered = _writes;
        return _work.RunAsync(() =>
        {
            foreach (var unit in _units.Values) unit.Flush(covered);
            return StatusCode.Ok;
        });
    }

    public ValueTask<StatusCode> ReserveAsync(BlockClass file, long offset, long length) => _work.RunAsync(() =>
    {
        var fresh = new List<(byte, long)>();
        for (var at = offset; at < offset + length; at += IBlockDevice.Unit)
            if (!_reserved.Contains((file.Value, at / IBlockDevice.Unit))) fresh.Add((file.Value, at / IBlockDevice.Unit));
        if (fresh.Count * (long)IBlockDevice.Unit > FreeBytes) return StatusCode.NoSpace;
        _reserved.UnionWith(fresh);
        return StatusCode.Ok;
    });

    public ValueTask<StatusCode> ReleaseAsync(BlockClass file, long offset, long length) => _work.RunAsync(() =>
    {
        for (var at = offset / IBlockDevice.Unit; at < (offset + length) / IBlockDevice.Unit; at++)
        {
            _units.Remove((file.Value, at));
            _reserved.Remove((file.Value, at));
            _damaged.Remove((file.Value, at));
        }

        return StatusCode.Ok;
    });

    public DeviceSpace GetSpace() => new(CapacityBytes, FreeBytes);

    /// <summary>Damages one stored byte, as a bad disk would; nothing more happens to a unit that is damaged already.</summary>
    public void Corrupt(BlockClass file, long offset)
    {
        var key = (file.Value, offset / IBlockDevice.Unit);
        if (_damaged.ContainsKey(key)) return;
        if (!_units.TryGetValue(key, out var unit)) _units.Add(key, unit = new SimulatedUnit());
        unit.Flip((int)(offset % IBlockDevice.Unit));
        _damaged[key] = (DiskDamage.Rotten, (int)(offset % IBlockDevice.Unit));
    }

    /// <summary>Reads of the unit fail until it is written or the disk has mercy.</summary>
    public void MakeUnreadable(BlockClass file, long offset) =>
        _damaged[(file.Value, offset / IBlockDevice.Unit)] = (DiskDamage.Unreadable, 0);

    /// <summary>The unit can be read again.</summary>
    public void MakeReadable(BlockClass file, long offset)
    {
        if (DamageAt(file, offset) == DiskDamage.Unreadable) _damaged.Remove((file.Value, offset / IBlockDevice.Unit));
    }

    /// <summary>All damage is undone, as if it had never been.</summary>
    public void HealDamage()
    {
        foreach (var (key, damage) in _damaged)
            if (damage.Kind == DiskDamage.Rotten) _units[key].Flip(damage.Byte);
        _damaged.Clear();
    }

    /// <summary>Some unit was damaged and not written since.</summary>
    public bool HasDamage => _damaged.Count > 0;

    /// <summary>What is wrong with the unit since it was written last.</summary>
    public DiskDamage DamageAt(BlockClass file, long offset) => _damaged.GetValueOrDefault((file.Value, offset / IBlockDevice.Unit)).Kind;

    /// <summary>What the next process finds.</summary>
    /// <param name="losesPower">The machine died, not only the process.</param>
    public SimulatedDevice Crash(SeededRandom random, SimulatedWork work, bool losesPower)
    {
        _work.Abandon(state =>
        {
            if (state is PendingWrite write && write.Device == this) Tear(write, random);
        });
        var next = new SimulatedDevice(work, CapacityBytes) { _writes = _writes, OthersBytes = OthersBytes };
        foreach (var key in _reserved) next._reserved.Add(key);
        foreach (var (key, damage) in _damaged) next._damaged.Add(key, damage);
        foreach (var (key, unit) in _units)
        {
            var left = losesPower ? unit.AfterPowerLoss(random) : unit;
            if (left is not null) next._units.Add(key, left);
        }

        return next;
    }

    public ValueTask DisposeAsync() => default;

    private long FreeBytes => Math.Max(0, CapacityBytes - OthersBytes - _reserved.Count * (long)IBlockDevice.Unit);

    private ValueTask<StatusCode> HoldAsync(Func<StatusCode> read)
    {
        var done = new TaskCompletionSource<StatusCode>();
        _held.Add(() => done.SetResult(read()));
        return new ValueTask<StatusCode>(done.Task);
    }

    private static void CheckAligned(long offset, long length) =>
        Invariant.Check(offset >= 0 && length > 0 && (offset | length) % IBlockDevice.Unit == 0, "device operations are in whole units");

    private ReadOnlySpan<byte> Current(BlockClass file, long offset) =>
        _units.TryGetValue((file.Value, offset / IBlockDevice.Unit), out var unit) ? unit.Current : SimulatedUnit.NeverWritten;

    private void Put(BlockClass file, long offset, byte[] content)
    {
        var key = (file.Value, offset / IBlockDevice.Unit);
        if (!_units.TryGetValue(key, out var unit)) _units.Add(key, unit = new SimulatedUnit());
        unit.Write(++_writes, content);
        _damaged.Remove(key);
        BytesWritten += content.Length;
    }

    private void Tear(PendingWrite write, SeededRandom random)
    {
        for (var done = 0; done < write.Source.Length; done += IBlockDevice.Unit)
        {
            var torn = Current(write.File, write.Offset + done).ToArray();
            for (var sector = 0; sector < IBlockDevice.Unit; sector += Sector)
                if (random.NextBool(0.5)) write.Source.Span.Slice(done + sector, Sector).CopyTo(torn.AsSpan(sector));
            Put(write.File, write.Offset + done, torn);
        }
    }

    private sealed record PendingWrite(SimulatedDevice Device, BlockClass File, long Offset, IoMemory Source);
}

/// <summary>How a disk failed a unit that it had stored.</summary>
public enum DiskDamage : byte
{
    None,
    /// <summary>A byte changed, and the disk does not notice.</summary>
    Rotten,
    /// <summary>Reads fail.</summary>
    Unreadable,
}
