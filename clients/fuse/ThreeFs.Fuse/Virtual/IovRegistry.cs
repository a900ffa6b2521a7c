using System.Text;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Rings;
using ThreeFs.UsrbIo;

namespace ThreeFs.Fuse.Virtual;

/// <summary>
/// Who has registered which memory with this mount, under which name. A registration ends when its name is removed, or with the open
/// registry directory of the process that made it: a library keeps one open for as long as its process lives.
/// </summary>
internal sealed class IovRegistry : IDisposable
{
    private static readonly string[] _semaphoreNames = ["submit-ios.ph", "submit-ios", "submit-ios.pl"];

    private readonly RingWorld _world;
    private readonly RingWatcher[] _watchers;
    private readonly Lock _lock = new();
    private readonly Dictionary<FileName, Registration> _byName = [];
    private readonly Dictionary<ulong, Registration> _byNode = [];
    private readonly List<RegistryHandle> _handles = [];
    private ulong _registered;

    private IovRegistry(RingWorld world, RingWatcher[] watchers)
    {
        _world = world;
        _watchers = watchers;
    }

    public static Result<IovRegistry> Start(RingWorld world)
    {
        var watchers = new List<RingWatcher>();
        foreach (var priority in Enum.GetValues<RingPriority>())
        {
            var made = SubmitSemaphore.Create();
            if (!made.TryGet(out var semaphore))
            {
                foreach (var watcher in watchers) watcher.Dispose();
                return made.Status;
            }

            watchers.Add(new RingWatcher(semaphore, priority.ToString().ToLowerInvariant()));
        }

        return new IovRegistry(world, [.. watchers]);
    }

    /// <summary>A registered memory.</summary>
    /// <param name="Handle">The open directory that it ends with; null when its process has none.</param>
    internal sealed record Registration(
        FileName Name, ulong Node, uint Uid, uint Gid, SharedBuffer Buffer, Ring? Ring, RegistryHandle? Handle);

    /// <summary>The registry directory as a process has it open.</summary>
    internal sealed class RegistryHandle(uint process, uint uid)
    {
        public uint Process { get; } = process;
        public uint Uid { get; } = uid;
    }

    /// <summary>Registers the memory of a file under a name.</summary>
    public Errno Register(FileName name, ReadOnlySpan<byte> path, uint uid, uint gid, uint process, out Registration? registration)
    {
        registration = null;
        if (!RegistryKey.TryParse(name.Bytes.Span, out var key)) return Errno.EINVAL;
        var error = SharedBuffer.Open(key, uid, gid, path, out var buffer);
        if (error != Errno.Ok) return error;
        var ring = key.IsRing ? Ring.Open(buffer!, _world) : null;
        if (key.IsRing && ring is null)
        {
            buffer!.Release();
            return Errno.EINVAL;
        }

        lock (_lock)
        {
            error = _byName.ContainsKey(name) || (!key.IsRing && !_world.Buffers.TryAdd(buffer!)) ? Errno.EEXIST
                : _byNode.Count >= VirtualNodes.MaxBuffers ? Errno.EMFILE
                : Errno.Ok;
            if (error == Errno.Ok)
            {
                var handle = _handles.LastOrDefault(h => h.Process == process && h.Uid == uid);
                var node = VirtualNodes.OfBuffer(_registered++);
                registration = new Registration(name, node, uid, gid, buffer!, ring, handle);
                _byName.Add(name, registration);
                _byNode.Add(registration.Node, registration);
            }
        }

        if (error != Errno.Ok) buffer!.Release();
        else if (ring is not null) _watchers[(int)key.Priority].Add(ring);
        return error;
    }

    public Registration? Find(FileName name)
    {
        lock (_lock) return _byName.GetValueOrDefault(name);
    }

    public Registration? Find(ulong node)
    {
        lock (_lock) return _byNode.GetValueOrDefault(node);
    }

    public List<Registration> Of(uint uid)
    {
        lock (_lock) return [.. _byName.Values.Where(r => r.Uid == uid)];
    }

    public void Remove(Registration registration)
    {
        lock (_lock)
        {
            if (!_byNode.Remove(registration.Node)) return;
            _byName.Remove(registration.Name);
        }

        if (registration.Ring is { } ring)
        {
            _watchers[(int)ring.Key.Priority].Remove(ring);
            registration.Buffer.Release();
        }
        else
        {
            _world.Buffers.Remove(registration.Buffer);
        }
    }

    public RegistryHandle Opened(uint process, uint uid)
    {
        var handle = new RegistryHandle(process, uid);
        lock (_lock) _handles.Add(handle);
        return handle;
    }

    public void Closed(RegistryHandle handle)
    {
        List<Registration> ended;
        lock (_lock)
        {
            _handles.Remove(handle);
            ended = [.. _byName.Values.Where(r => ReferenceEquals(r.Handle, handle))];
        }

        foreach (var registration in ended)
        {
            registration.Buffer.RemoveName();
            Remove(registration);
        }
    }

    public static int SemaphoreNamed(FileName name) => Array.FindIndex(_semaphoreNames, n => name.Bytes.Span.SequenceEqual(Encoding.ASCII.GetBytes(n)));

    public static string NameOfSemaphore(int priority) => _semaphoreNames[priority];

    public string PathOfSemaphore(int priority) => _watchers[priority].Semaphore.Path;

    public void Dispose()
    {
        foreach (var watcher in _watchers) watcher.Dispose();
        List<Registration> all;
        lock (_lock) all = [.. _byName.Values];
        foreach (var registration in all) Remove(registration);
    }
}
