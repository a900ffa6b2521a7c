namespace ThreeFs.Kv;

/// <summary>The given faults, one per commit in order, then none; for tests of one exact path.</summary>
public sealed class ScriptedKvFaults(params IEnumerable<KvFault> commits) : IKvFaults
{
    private readonly Queue<KvFault> _commits = new(commits);
    private readonly Queue<KvFault> _reads = new();

    public void EnqueueCommit(KvFault fault)
    {
        lock (_commits) _commits.Enqueue(fault);
    }

    public void EnqueueRead(KvFault fault)
    {
        lock (_commits) _reads.Enqueue(fault);
    }

    public KvFault OnRead()
    {
        lock (_commits) return _reads.TryDequeue(out var fault) ? fault : KvFault.None;
    }

    public KvFault OnCommit()
    {
        lock (_commits) return _commits.TryDequeue(out var fault) ? fault : KvFault.None;
    }

    public TimeSpan Delay() => TimeSpan.Zero;
}
