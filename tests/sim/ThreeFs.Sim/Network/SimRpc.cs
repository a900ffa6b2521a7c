using ThreeFs.Base;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Network;

/// <summary>
/// The control plane: one call to whatever service a host offers now. It ends with the service's answer, or as a call over gRPC
/// would: refused, lost, or out of time, when it may have been executed.
/// </summary>
internal sealed class SimRpc<TService>(SimNetwork network)
    where TService : class
{
    private readonly Dictionary<string, (SimProcess Process, TService Service)> _services = [];

    public void Offer(SimProcess process, TService service) => _services[process.Host.Name] = (process, service);

    public async ValueTask<Result<T>> CallAsync<T>(
        SimProcess from, string host, Func<TService, CancellationToken, ValueTask<Result<T>>> call, TimeSpan timeout, CancellationToken ct)
    {
        var done = new TaskCompletionSource<Result<T>>();
        var there = network.NewStream(from.Host.Name, host);
        var back = network.NewStream(host, from.Host.Name);
        using var timer = from.Time.CreateTimer(
            _ => done.TrySetResult(new Status(StatusCode.DeadlineExceeded, $"{host} did not answer in time")), null, timeout,
            Timeout.InfiniteTimeSpan);
        using var giveUp = ct.UnsafeRegister(
            _ => done.TrySetResult(new Status(StatusCode.Cancelled, $"the call to {host} was given up")), null);
        there.Send(null, _ => Arrive(), null);
        return await done.Task;

        void Arrive()
        {
            if (!_services.TryGetValue(host, out var at) || at.Process.IsDead)
            {
                back.Send(from, _ => done.TrySetResult(new Status(StatusCode.ConnectFailed, $"{host} refuses connections")), null);
                return;
            }

            void Lose() => back.Send(
                from, _ => done.TrySetResult(new Status(StatusCode.ConnectionLost, $"{host} broke the connection")), null);
            at.Process.Died += Lose;
            at.Process.Start(async () =>
            {
                // The server notices that its caller has gone.
                using var gone = new CancellationTokenSource(timeout, at.Process.Time);
                var result = await call(at.Service, gone.Token);
                at.Process.Died -= Lose;
                back.Send(from, _ => done.TrySetResult(result), null);
            });
        }
    }
}
