using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// Ends sessions that nobody waits for: of opens whose outcome is unknown, of closes that failed, of readers. They are
/// ended in batches until the metadata service has confirmed. Bounded: when too many wait, the oldest are left to the
/// service, which ends a dead client's sessions by itself.
/// </summary>
internal sealed class SessionEnder(ClusterContext context)
{
    private const int MaxWaiting = 100_000;
    private const int BatchSize = 256;

    private readonly Lock _lock = new();
    private readonly Queue<SessionId> _waiting = new();

    public void End(SessionId session)
    {
        lock (_lock)
        {
            if (_waiting.Count == MaxWaiting) _waiting.Dequeue();
            _waiting.Enqueue(session);
        }
    }

    /// <summary>One round; what fails stays for the next.</summary>
    public async Task RunOnceAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            var batch = Take();
            if (batch.IsEmpty) return;
            var status = await context.Meta.PruneSessionsAsync(context.Self(), batch, ct);
            if (status.IsOk) continue;
            foreach (var session in batch) End(session);
            Log.EndingSessionsFailed(context.Log, batch.Length, status);
            return;
        }
    }

    private ImmutableArray<SessionId> Take()
    {
        var batch = ImmutableArray.CreateBuilder<SessionId>();
        lock (_lock)
        {
            while (batch.Count < BatchSize && _waiting.TryDequeue(out var session)) batch.Add(session);
        }

        return batch.ToImmutable();
    }
}
