using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Transport;

namespace ThreeFs.Client.Meta;

/// <summary>
/// One connection for each metadata server, opened when first needed and again after it broke or the server moved. Callers
/// that need the same connection at the same time share one attempt. Thread-safe.
/// </summary>
internal sealed class MetaConnections(ITransport transport, TimeProvider time, TimeSpan connectTimeout) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<NodeId, Slot> _slots = [];
    private bool _disposed;

    public ValueTask<Result<IConnection>> GetAsync(NodeInfo server)
    {
        var data = server.Endpoint(EndpointKind.Data);
        Invariant.Check(data is not null, "a chosen metadata server has a data endpoint");
        var endpoint = new Endpoint(transport.Scheme, data.Host, data.Port);
        TaskCompletionSource<Result<IConnection>> mine;
        Task<Result<IConnection>>? old;
        lock (_lock)
        {
            if (_disposed) return new(new Status(StatusCode.Cancelled, "the metadata client is closed"));
            _slots.TryGetValue(server.Id, out var slot);
            if (slot.Opened is not null && slot.Endpoint == endpoint && IsUsable(slot.Opened)) return new(slot.Opened);
            old = slot.Opened;
            mine = new TaskCompletionSource<Result<IConnection>>();
            _slots[server.Id] = new Slot(endpoint, mine.Task);
        }

        return OpenAsync(endpoint, mine, old);
    }

    /// <summary>Runs outside the lock, because a transport may complete at once and continue with a caller.</summary>
    private async ValueTask<Result<IConnection>> OpenAsync(
        Endpoint endpoint, TaskCompletionSource<Result<IConnection>> mine, Task<Result<IConnection>>? old)
    {
        await DisposeAsync(old);
        using var timeout = new CancellationTokenSource(connectTimeout, time);
        var result = await transport.ConnectAsync(endpoint, timeout.Token);
        if (result.Code == StatusCode.Cancelled) result = new Status(StatusCode.ConnectFailed, $"{endpoint} did not answer");
        mine.SetResult(result);
        var late = false;
        lock (_lock) late = _disposed;
        if (late) await DisposeAsync(mine.Task);
        return result;
    }

    public async ValueTask DisposeAsync()
    {
        Task<Result<IConnection>>[] opened;
        lock (_lock)
        {
            _disposed = true;
            opened = [.. _slots.Values.Select(s => s.Opened)];
            _slots.Clear();
        }

        foreach (var task in opened) await DisposeAsync(task);
    }

    private static async ValueTask DisposeAsync(Task<Result<IConnection>>? opened)
    {
        if (opened is { IsCompletedSuccessfully: true } && opened.Result.TryGet(out var connection)) await connection.DisposeAsync();
    }

    private static bool IsUsable(Task<Result<IConnection>> opened) =>
        !opened.IsCompleted || (opened.IsCompletedSuccessfully && opened.Result.TryGet(out var connection) && !connection.IsBroken);

    private readonly record struct Slot(Endpoint Endpoint, Task<Result<IConnection>> Opened);
}
