using ThreeFs.Base;
using ThreeFs.Sim.Faults;
using ThreeFs.Sim.World;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Simulation;

namespace ThreeFs.Sim.Nodes;

/// <summary>The disk of one target through crashes: what was flushed stays, what was not may be lost or torn when power goes.</summary>
internal sealed class SimDisk
{
    /// <summary>Left on a disk that takes no new chunks: enough for updates and resyncs of what is there.</summary>
    private static readonly long LowSpace = 256 * ByteSize.MiB;

    private readonly SimWorld _world;
    private SimulatedWork _work = null!;
    private uint _boot = 1;
    private bool _exists;
    private long? _lackedAt;
    private long? _fullAt;

    public SimDisk(SimWorld world, TargetIdentity identity)
    {
        (_world, Identity) = (world, identity);
        _work = NewWork();
        Device = new SimulatedDevice(_work);
        Index = new SimulatedIndex(_work);
    }

    public TargetIdentity Identity { get; }

    public SimulatedDevice Device { get; private set; }

    public SimulatedIndex Index { get; private set; }

    /// <summary>Every operation takes so much longer.</summary>
    public TimeSpan Extra { get; set; }

    public DiskFill Fill { get; private set; }

    /// <summary>Others take or free space on the disk.</summary>
    public void FillUp(DiskFill fill)
    {
        if (Fill != DiskFill.Empty) _lackedAt = _world.Now;
        if (Fill == DiskFill.Full) _fullAt = _world.Now;
        Fill = fill;
        Device.OthersBytes = fill switch
        {
            DiskFill.Low => Device.CapacityBytes - LowSpace,
            DiskFill.Full => Device.CapacityBytes,
            _ => 0,
        };
    }

    /// <summary>Something that it was asked to do is not done yet.</summary>
    public bool IsBusy => _work.Waiting > 0;

    /// <summary>It lacks space for new chunks, or did when its server looked last.</summary>
    public bool MayLackSpace => Fill != DiskFill.Empty || IsRecent(_lackedAt);

    /// <summary>The same for any update.</summary>
    public bool MayBeFull => Fill == DiskFill.Full || IsRecent(_fullAt);

    /// <summary>The units that a live content has and that the disk lost.</summary>
    public IEnumerable<StoredUnit> LostUnits(ChunkStore store) => !Device.HasDamage
        ? []
        : store.StoredUnits().Where(u => Device.DamageAt(u.File, u.Offset) switch
        {
            DiskDamage.Unreadable => true,
            DiskDamage.Rotten => !u.IsInMemory,
            _ => false,
        });

    public void Crash(bool losesPower)
    {
        if (_work.Waiting > 0) _world.Timeline.Probe($"disk: {(losesPower ? "power loss" : "crash")} with operations under way");
        var work = NewWork();
        Device = Device.Crash(_world.Random, work, losesPower);
        Index = Index.Crash(_world.Random, work, losesPower);
        _work = work;
        if (losesPower) _boot++;
    }

    public async Task<ChunkStore> OpenAsync(IChunkStoreObserver? observer, Variant variant)
    {
        var process = (SimProcess)SynchronizationContext.Current!;
        _work.Added = () => Pump(process, _work);
        var options = new ChunkStoreOptions
        {
            BootId = new Guid((int)_boot, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8), Observer = observer, BufferBytes = 64 * ByteSize.MiB,
            FoldEveryCalls = _world.Random.Next(2, 30), Channels = 64,
            SkipsChecksums = variant.SkipsChecksums,
        };
        var (device, index) = (variant.Wrap(Device), variant.Wrap(Index));
        var opened = _exists
            ? await ChunkStore.OpenAsync(device, index, options)
            : await ChunkStore.CreateAsync(device, index, Identity, options);
        if (!opened.TryGet(out var store)) throw new SimFailure($"target {Identity.Target} cannot be opened: {opened.Status}");
        _exists = true;
        _world.Memory.Add(store.Abandon);
        await variant.OpenedAsync(store);
        return store;
    }

    /// <summary>One operation completes for each that was added, a while later, whichever the seed draws.</summary>
    private void Pump(SimProcess process, SimulatedWork work)
    {
        var micros = _world.Random.Next(10, 300);
        if (_world.Random.NextBool(0.01)) micros += _world.Random.Next(10_000);
        _world.After(TimeSpan.FromMicroseconds(micros) + Extra, process, static work => ((SimulatedWork)work!).Step(), work);
    }

    private bool IsRecent(long? at) => at is { } time && _world.Now - time < TimeSpan.FromSeconds(10).Ticks;

    private SimulatedWork NewWork() => new(_world.Random.Fork(), isStepped: true);
}

/// <summary>How much others have left of a disk.</summary>
internal enum DiskFill
{
    Empty,
    /// <summary>Too little for new chunks.</summary>
    Low,
    /// <summary>Nothing.</summary>
    Full,
}
