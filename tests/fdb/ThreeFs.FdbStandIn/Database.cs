using System.Collections.Concurrent;
using ThreeFs.Kv;
using ThreeFs.Kv.Buffering;

namespace ThreeFs.FdbStandIn;

/// <summary>
/// A connection to the store of a cluster file's path. Connections of one path share the store, which is the in-memory
/// engine with FoundationDB's own limit of keys.
/// </summary>
internal sealed class Database
{
    private static readonly ConcurrentDictionary<string, Store> _stores = new();

    private readonly ConcurrentDictionary<int, long> _options = new();

    private Database(Store store) => Store = store;

    public Store Store { get; }

    public static Database Open(string path) => new(_stores.GetOrAdd(path, _ => new Store()));

    public static void Forget() => _stores.Clear();

    public void SetOption(int option, long value) => _options[option] = value;

    public long Option(int option) => _options.GetValueOrDefault(option);
}

/// <summary>The content of a cluster and who watches it.</summary>
internal sealed class Store
{
    private readonly Lock _lock = new();
    private readonly List<(byte[] Key, byte[]? Value, Future Future)> _watches = [];

    public MemoryKvEngine Engine { get; } = new(StandInTime.Instance) { Rules = new KeyRules(10_000) };

    public void Watch(byte[] key, byte[]? value, Future future)
    {
        lock (_lock) _watches.Add((key, value, future));
        Fire();
    }

    /// <summary>Completes the watches whose value is another now.</summary>
    public void Fire()
    {
        List<Future> fired = [];
        lock (_lock)
        {
            if (_watches.Count == 0) return;
            using var reader = Engine.BeginReadOnly();
            foreach (var (key, value, future) in _watches)
            {
                var now = reader.GetAsync(key).Result.Value.Bytes;
                if (future.IsReady || !Same(now, value)) fired.Add(future);
            }

            _watches.RemoveAll(watch => fired.Contains(watch.Future));
        }

        foreach (var future in fired) Network.Answer(() => future.Complete(0));
    }

    private static bool Same(byte[]? a, byte[]? b) =>
        a is null ? b is null : b is not null && a.AsSpan().SequenceEqual(b);
}

/// <summary>The time by which snapshots age: stands still until a test moves it.</summary>
internal sealed class StandInTime : TimeProvider
{
    private long _milliseconds = 1;

    public static StandInTime Instance { get; } = new();

    public override long TimestampFrequency => 1000;

    public void Advance(long milliseconds) => Interlocked.Add(ref _milliseconds, milliseconds);

    public override long GetTimestamp() => Volatile.Read(ref _milliseconds);
}
