using System.Net;
using System.Net.Sockets;

namespace ThreeFs.Cluster.Tests.Harness;

/// <summary>One FoundationDB process on the loopback, with a directory of its own: killed, started again, and removed.</summary>
internal sealed class FoundationDbServer : IDisposable
{
    private readonly string _directory = System.IO.Directory.CreateTempSubdirectory("threefs-fdb-").FullName;
    private readonly string _address;
    private RunningCommand? _process;

    private FoundationDbServer()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _address = listener.LocalEndpoint.ToString()!;
        File.WriteAllText(ClusterFile, $"test:test@{_address}\n");
        System.IO.Directory.CreateDirectory($"{_directory}/data");
    }

    public string ClusterFile => $"{_directory}/fdb.cluster";

    /// <param name="engine">"memory" or "ssd".</param>
    public static async Task<FoundationDbServer> StartAsync(string engine)
    {
        var server = new FoundationDbServer();
        server.Start();
        await server.AskAsync($"configure new single {engine}");
        return server;
    }

    public void Start() => _process = Shell.Start(
        $"exec {FoundationDb.Programs}/fdbserver -p {_address} -l {_address} -C {ClusterFile} "
        + $"-d {_directory}/data -L {_directory}");

    /// <summary>kill -9, and certainty that the process is gone.</summary>
    public void Kill()
    {
        _process?.Dispose();
        _process = null;
    }

    public Task<string> AskAsync(string command) =>
        Shell.RunAsync($"{FoundationDb.Programs}/fdbcli -C {ClusterFile} --timeout 60 --exec '{command}'");

    public void Dispose()
    {
        Kill();
        System.IO.Directory.Delete(_directory, recursive: true);
    }
}
