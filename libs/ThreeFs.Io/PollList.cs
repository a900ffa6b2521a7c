namespace ThreeFs.Io;

/// <summary>
/// What a reactor looks at in each turn: everything in which something happened lately. What stays quiet for long is
/// left asleep, so the cost of a turn follows what is busy and not what exists.
/// </summary>
internal sealed class PollList
{
    private const int MostQuietTurns = 64;

    private readonly List<PollEntry> _entries = [];

    public bool IsEmpty => _entries.Count == 0;

    public void Add(PollEntry entry)
    {
        entry.QuietTurns = 0;
        if (entry.IsListed || entry.IsClosed) return;
        entry.IsListed = true;
        _entries.Add(entry);
    }

    public void Poll()
    {
        for (var i = 0; i < _entries.Count; i++)
        {
            var entry = _entries[i];
            if (!entry.IsClosed && entry.Target.Poll())
            {
                entry.QuietTurns = 0;
                continue;
            }

            if (!entry.IsClosed && (++entry.QuietTurns < MostQuietTurns || !entry.Target.TrySleep())) continue;
            entry.IsListed = false;
            _entries[i--] = _entries[^1];
            _entries.RemoveAt(_entries.Count - 1);
        }
    }

    /// <summary>False when one of them has something to do: then none sleeps.</summary>
    public bool TrySleep()
    {
        for (var i = 0; i < _entries.Count; i++)
        {
            if (_entries[i].IsClosed || _entries[i].Target.TrySleep()) continue;
            for (var j = 0; j < i; j++) Wake(_entries[j]);
            return false;
        }

        return true;
    }

    public void Wake()
    {
        foreach (var entry in _entries) Wake(entry);
    }

    private static void Wake(PollEntry entry)
    {
        if (!entry.IsClosed) entry.Target.Wake();
    }
}

/// <summary>One thing to look at, of one reactor.</summary>
public sealed class PollEntry
{
    private readonly Reactor _reactor;

    /// <summary>Asleep until <see cref="Activate"/>.</summary>
    public PollEntry(Reactor reactor, IPolled target)
    {
        _reactor = reactor;
        Target = target;
    }

    internal IPolled Target { get; }

    internal int QuietTurns { get; set; }

    internal bool IsListed { get; set; }

    internal bool IsClosed { get; private set; }

    /// <summary>Something happens here: it is looked at from the next turn on. Reactor's thread.</summary>
    public void Activate()
    {
        if (!IsListed && !IsClosed) Target.Wake();
        _reactor.Polls.Add(this);
    }

    /// <summary>It is never looked at again.</summary>
    public void Close() => IsClosed = true;
}
