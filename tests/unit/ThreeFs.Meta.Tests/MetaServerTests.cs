using System.Net;
using System.Net.Sockets;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Hosting;
using ThreeFs.Meta.Server;
using ThreeFs.Protos;
using ThreeFs.Protos.Meta;

namespace ThreeFs.Meta.Tests;

/// <summary>The composed process on the embedded store, without a cluster manager.</summary>
public sealed class MetaServerTests : IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("threefs-meta").FullName;
    private readonly HostServices _host = new("meta-test", NullLoggerFactory.Instance, TimeProvider.System, 1);

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    [Fact]
    public async Task Serves_grpc_and_metrics_and_keeps_its_data()
    {
        await using (var server = (await MetaServer.StartAsync(Config(), _host, default)).Value)
        {
            var client = Connect(server);
            var made = await client.MakeNodeAsync(new MakeNodeRequest
            {
                Context = NewContext(),
                Name = MetaMapper.ToBytes(FileName.FromText("d")),
                Node = MetaMapper.ToProto(new NewInode(InodeType.Directory, 0x1ED)),
            });
            Assert.Equal(StatusCode.Ok, made.Status.ToStatus().Code);
            var again = await client.LookupAsync(Lookup("x"));
            Assert.Equal(StatusCode.NotFound, again.Status.ToStatus().Code);
            using var http = new HttpClient();
            var metrics = await http.GetStringAsync($"http://127.0.0.1:{server.HttpPort}/metrics");
            Assert.Contains("threefs_meta_operations_total{operation=\"make_node\",status=\"Ok\"}", metrics);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync($"http://127.0.0.1:{server.HttpPort}/healthz")).StatusCode);
        }

        await using var second = (await MetaServer.StartAsync(Config(), _host, default)).Value;
        var found = await Connect(second).LookupAsync(Lookup("d"));
        Assert.Equal((uint)InodeType.Directory, found.Attr.Type);
    }

    [Fact]
    public async Task Two_servers_share_one_store()
    {
        await using var first = (await MetaServer.StartAsync(Config(), _host, default)).Value;
        await using var second = (await MetaServer.StartAsync(Config(node: 2), _host, default)).Value;
        await Connect(first).MakeNodeAsync(new MakeNodeRequest
        {
            Context = NewContext(),
            Name = MetaMapper.ToBytes(FileName.FromText("shared")),
            Node = MetaMapper.ToProto(new NewInode(InodeType.Directory, 0x1ED)),
        });
        Assert.Equal(StatusCode.Ok, (await Connect(second).LookupAsync(Lookup("shared"))).Status.ToStatus().Code);
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var data = await MetaServer.StartAsync(Config(dataPort: port), _host, default);
        Assert.Equal(StatusCode.Busy, data.Code);
        Assert.Contains($"data_port = {port}", data.Status.Message);
        var http = await MetaServer.StartAsync(Config(httpPort: port), _host, default);
        Assert.Equal(StatusCode.Busy, http.Code);
        Assert.Contains($"http_port = {port}", http.Status.Message);
    }

    [Fact]
    public async Task Bad_configuration_is_named()
    {
        Assert.Contains("node_id", (await MetaServer.StartAsync(new MetaConfig(), _host, default)).Status.Message);
        var noStore = await MetaServer.StartAsync(Config(kv: "postgres:x"), _host, default);
        Assert.Contains("postgres:x", noStore.Status.Message);
        File.WriteAllText(Path.Combine(_dir, "file"), "");
        var noDirectory = await MetaServer.StartAsync(Config(kv: $"lmdb:{_dir}/file/kv"), _host, default);
        Assert.False(noDirectory.IsOk);
        Assert.Contains($"{_dir}/file/kv", noDirectory.Status.Message);
        var noManager = new MetaConfig { NodeId = 1, Kv = "lmdb:/x", Mgmtd = ["nonsense"] };
        Assert.Contains("nonsense", (await MetaServer.StartAsync(noManager, _host, default)).Status.Message);
    }

    private MetaConfig Config(uint node = 1, int dataPort = 0, int httpPort = 0, string? kv = null) => new()
    {
        NodeId = node, Mgmtd = ["127.0.0.1:1"], Kv = kv ?? $"lmdb:{_dir}/kv", DataPort = dataPort, HttpPort = httpPort,
    };

    private static Protos.Meta.MetaService.MetaServiceClient Connect(MetaServer server) =>
        new(GrpcChannel.ForAddress($"http://127.0.0.1:{server.GrpcPort}"));

    private static Context NewContext() => MetaMapper.ToProto(
        new MetaContext(UserInfo.Root, new ClientId(Guid.NewGuid()), new RequestId(Guid.NewGuid())));

    private static EntryRequest Lookup(string name) => new()
    {
        Context = NewContext(), Name = MetaMapper.ToBytes(FileName.FromText(name)),
    };
}
