using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Hosting;
using ThreeFs.Hosting.Web;
using ThreeFs.Protos;
using ThreeFs.Protos.Mgmtd;
using Status = ThreeFs.Base.Status;

namespace ThreeFs.Storage.Tests.Server;

/// <summary>
/// As much of a cluster manager as a storage server needs to serve: every heartbeat is granted a lease, and questions
/// for routing stay open until they are given up, because the test hands routing to the targets itself.
/// </summary>
internal sealed class LeaseGiver : Protos.Mgmtd.Mgmtd.MgmtdBase
{
    public static async Task<WebHost> StartAsync(HostServices host)
    {
        var started = await WebHost.StartAsync(
            host, new WebHostOptions("127.0.0.1", GrpcPort: 0, HttpPort: null),
            services => services.AddGrpc(), routes => routes.MapGrpcService<LeaseGiver>());
        return started.Value;
    }

    public override Task<HeartbeatReply> Heartbeat(HeartbeatRequest request, ServerCallContext context) =>
        Task.FromResult(new Contracts.Mgmtd.HeartbeatReply(new RoutingVersion(0), TimeSpan.FromDays(1), null).ToWire());

    public override async Task<RoutingReply> GetRouting(GetRoutingRequest request, ServerCallContext context)
    {
        var givenUp = new TaskCompletionSource();
        await using var registration = context.CancellationToken.Register(givenUp.SetResult);
        await givenUp.Task;
        return new RoutingReply { Status = new Status(Base.StatusCode.Cancelled).ToWire() };
    }
}
