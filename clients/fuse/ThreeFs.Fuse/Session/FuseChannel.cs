using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Session;

/// <summary>
/// One descriptor of the connection, read by one worker, and the requests that came through it and have no reply yet,
/// so that an interrupt finds them. The list is intrusive: requests in flight cost no allocation.
/// </summary>
internal sealed class FuseChannel(int descriptor)
{
    private readonly Lock _lock = new();
    private FuseRequest? _first;

    public int Descriptor { get; } = descriptor;

    public void Add(FuseRequest request)
    {
        lock (_lock)
        {
            request.Channel = this;
            request.Previous = null;
            request.Next = _first;
            if (_first is not null) _first.Previous = request;
            _first = request;
        }
    }

    public void Remove(FuseRequest request)
    {
        lock (_lock)
        {
            if (request.Previous is not null) request.Previous.Next = request.Next;
            else if (ReferenceEquals(_first, request)) _first = request.Next;
            else return;
            if (request.Next is not null) request.Next.Previous = request.Previous;
            request.Previous = null;
            request.Next = null;
        }
    }

    /// <summary>Header of a request in flight, or false when it is not here.</summary>
    public bool TryGetHeader(ulong unique, out FuseInHeader header)
    {
        header = default;
        lock (_lock)
        {
            if (FindLocked(unique) is not { } request) return false;
            header = request.Header;
            return true;
        }
    }

    /// <summary>
    /// Cancels a request in flight; false when it is not here. Not under the lock: the operation may complete inside.
    /// </summary>
    public bool Interrupt(ulong unique) => Find(unique) is { } request && request.InterruptIf(unique);

    public void InterruptAll()
    {
        foreach (var (request, unique) in All(_ => true)) request.InterruptIf(unique);
    }

    /// <summary>Cancels every request that came before and may not wait for ever; see <see cref="DeadlineWatch"/>.</summary>
    public void ExpireStartedBefore(long timestamp)
    {
        // A wait for a lock has no end, nobody waits for a RELEASE, and clearing a long range takes what it takes.
        var late = All(r => r.Started < timestamp
            && r.Opcode is not (FuseOpcode.SetLockWait or FuseOpcode.Release or FuseOpcode.Fallocate));
        foreach (var (request, unique) in late) request.ExpireIf(unique);
    }

    private List<(FuseRequest Request, ulong Unique)> All(Func<FuseRequest, bool> wanted)
    {
        var all = new List<(FuseRequest Request, ulong Unique)>();
        lock (_lock)
        {
            for (var request = _first; request is not null; request = request.Next)
            {
                if (wanted(request)) all.Add((request, request.Unique));
            }
        }

        return all;
    }

    private FuseRequest? Find(ulong unique)
    {
        lock (_lock) return FindLocked(unique);
    }

    private FuseRequest? FindLocked(ulong unique)
    {
        for (var request = _first; request is not null; request = request.Next)
        {
            if (request.Unique == unique) return request;
        }

        return null;
    }
}
