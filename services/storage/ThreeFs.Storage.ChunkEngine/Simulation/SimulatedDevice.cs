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
    private readonly SimulatedWork _work;
    private readonly List<Action> _held = [];
    private long _writes;

    public SimulatedDevice(SimulatedWork work, long capacityBytes = 1L << 40)
    {
        _work = work;
        CapacityBytes = capacityBytes;
    }

    public long CapacityBytes { get; set; }

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
                Current(file, offset + done).CopyTo(destination.Span[done..]);
            return StatusCode.Ok;
        }
    }

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
        if ((_reserved.Count + fresh.Count) * (long)IBlockDevice.Unit > CapacityBytes) return StatusCode.NoSpace;
        _reserved.UnionWith(fresh);
        return StatusCode.Ok;
    });

    public ValueTask<StatusCode> ReleaseAsync(BlockClass file, long offset, long length) => _work.RunAsync(() =>
    {
        for (var at = offset / IBlockDevice.Unit; at < (offset + length) / IBlockDevice.Unit; at++)
        {
            _units.Remove((file.Value, at));
            _reserved.Remove((file.Value, at));
        }

        return StatusCode.Ok;
    });

    public DeviceSpace GetSpace() =>
        new(CapacityBytes, Math.Max(0, CapacityBytes - _reserved.Count * (long)IBlockDevice.Unit));

    /// <summary>Damages one stored byte, as a bad disk would.</summary>
    public void Corrupt(BlockClass file, long offset)
    {
        var unit = Current(file, offset / IBlockDevice.Unit * IBlockDevice.Unit).ToArray();
        unit[offset % IBlockDevice.Unit] ^= 0x40;
        Put(file, offset / IBlockDevice.Unit * IBlockDevice.Unit, unit);
    }

    /// <summary>What the next process finds.</summary>
    /// <param name="losesPower">The machine died, not only the process.</param>
    public SimulatedDevice Crash(SeededRandom random, SimulatedWork work, bool losesPower)
    {
        _work.Abandon(state =>
        {
            if (state is PendingWrite write && write.Device == this) Tear(write, random);
        });
        var next = new SimulatedDevice(work, CapacityBytes) { _writes = _writes };
        foreach (var key in _reserved) next._reserved.Add(key);
        foreach (var (key, unit) in _units)
        {
            var left = losesPower ? unit.AfterPowerLoss(random) : unit;
            if (left is not null) next._units.Add(key, left);
        }

        return next;
    }

    public ValueTask DisposeAsync() => default;

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
