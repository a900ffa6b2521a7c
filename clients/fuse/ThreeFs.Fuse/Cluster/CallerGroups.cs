using System.Collections.Immutable;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// Supplementary groups of callers, read from /proc and remembered for a moment: the metadata service needs them to
/// decide as the kernel did. The kernel, which knows them exactly, has already checked (default_permissions), so
/// groups that a thread gave up within that moment open nothing. Bounded; thread-safe.
/// </summary>
internal sealed class CallerGroups(TimeProvider time)
{
    private const int MaxRemembered = 1024;
    private static readonly TimeSpan _memory = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<(uint Pid, uint Uid, uint Gid), (ImmutableArray<uint> Groups, long At)> _known = [];

    public ImmutableArray<uint> Of(in FuseInHeader caller)
    {
        var key = (caller.Pid, caller.Uid, caller.Gid);
        lock (_lock)
        {
            if (_known.TryGetValue(key, out var known) && time.GetElapsedTime(known.At) < _memory) return known.Groups;
        }

        var groups = CallerProcess.Groups(caller.Pid);
        lock (_lock)
        {
            if (_known.Count >= MaxRemembered) _known.Clear();
            _known[key] = (groups, time.GetTimestamp());
        }

        return groups;
    }
}
