using System.Text;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Rings;
using ThreeFs.UsrbIo;

namespace ThreeFs.Fuse.Virtual;

/// <summary>
/// Who has registered which memory with this mount, under which name. A registration ends when its name is removed, or
/// when the process that made it has closed the registry directory: a library keeps one open for as long as its process
/// lives. Of a process that has none open, the registrations end with it.
/// </summary>
/// <remarks>
/// Processes of another pid namespace, which the kernel shows to this one without a number, are not told apart: their
/// registrations end when all directories are closed that such processes of the same user had open when they were made.
/// </remarks>
internal sealed class IovRegistry : IDisposable
{
    private static readonly string[] _semaphoreNames = ["submit-ios.ph", "submit-ios", "submit-ios.pl"];
    private static readonly TimeSpan _sweepInterval = TimeSpan.FromSeconds(1);

    private readonly RingWorld _world;
    private readonly RingWatcher[] _watchers;
    private readonly Lock _lock = new();
    private readonly Dictionary<FileName, Registration> _byName = [];
    private readonly Dictionary<ulong, Registration> _byNode = [];
    private readonly List<RegistryHandle> _handles = [];
    private readonly ITimer _sweeping;
    private ulong _registered;

    private IovRegistry(RingWorld world, RingWatcher[] watchers)
    {
        _world = world;
        _watchers = watchers;
        _sweeping = world.Time.CreateTimer(_ => Sweep(), null, _sweepInterval, _sweepInterval);
    }

    public static Result<IovRegistry> Start(RingWorld world)
    {
        SubmitSemaphore.RemoveStale();
        var watchers = new List<RingWatcher>();
        foreach (var priority in Enum.GetValues<RingPriority>())
        {
            var made = SubmitSemaphore.Create();
            if (!made.TryGet(out var semaphore))
            {
                foreach (var watcher in watchers) watcher.Dispose();
                return made.Status;
            }

            watchers.Add(new RingWatcher(semaphore, priority.ToString().ToLowerInvariant(), world.Reactor));
        }

        return new IovRegistry(world, [.. watchers]);
    }

    /// <summary>A registered memory.</summary>
    /// <param name="Handles">The open directories with the last of which it ends; empty when its process has none.</param>
    /// <param name="Process">What it ends with when its process has no directory open and is visible.</param>
    internal sealed record Registration(
        FileName Name, ulong Node, uint Uid, uint Gid, SharedBuffer Buffer, Ring? Ring, List<RegistryHandle> Handles,
        ProcessWatch? Process);

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
        var error = SharedBuffer.Open(key, uid, gid, path, _world.Memory, out var buffer);
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
                var handles = _handles.FindAll(h => h.Process == process && h.Uid == uid);
                var node = VirtualNodes.OfBuffer(_registered++);
                var watch = handles.Count == 0 ? ProcessWatch.Of(process) : null;
                registration = new Registration(name, node, uid, gid, buffer!, ring, handles, watch);
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
            registration.Process?.Dispose();
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
            ended = [.. _byName.Values.Where(r => r.Handles.Remove(handle) && r.Handles.Count == 0)];
        }

        End(ended);
    }

    /// <summary>Ends what processes registered that are gone and never had the directory open.</summary>
    private void Sweep()
    {
        List<Registration> ended;
        lock (_lock) ended = [.. _byName.Values.Where(r => r.Process is { HasEnded: true })];
        End(ended);
    }

    private void End(List<Registration> registrations)
    {
        foreach (var registration in registrations)
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
        _sweeping.Dispose();
        foreach (var watcher in _watchers) watcher.Dispose();
        List<Registration> all;
        lock (_lock) all = [.. _byName.Values];
        foreach (var registration in all) Remove(registration);
    }
}
