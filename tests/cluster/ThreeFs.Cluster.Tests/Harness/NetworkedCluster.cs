namespace ThreeFs.Cluster.Tests.Harness;

/// <summary>
/// A cluster set up by hand as for real hosts: three storage servers, each in a network namespace with an address of its own, and cluster
/// managers, metadata servers and the mount on one more, connected by a bridge. What a firewall can do to hosts, nftables does to them.
/// All of them are told to use TCP: memory shared by processes of one host knows no partition.
/// </summary>
public sealed class NetworkedCluster : IAsyncDisposable
{
    private const string Hub = "10.77.0.1";
    private const string Which = $"--mgmtd {Hub}:8000 --mgmtd {Hub}:8001 --cluster threefs";

    /// <summary>Namespaces are of the whole machine: the name keeps two runs apart.</summary>
    private readonly string _prefix = $"tfs{Environment.ProcessId}";
    private readonly string _directory = System.IO.Directory.CreateTempSubdirectory("threefs-net-").FullName;
    private readonly List<string> _roles = [];

    private NetworkedCluster()
    {
    }

    public string Mount => $"{_directory}/mnt";

    public static async Task<NetworkedCluster> StartAsync()
    {
        var cluster = new NetworkedCluster();
        try
        {
            await cluster.MakeNetworkAsync();
            await cluster.StartRolesAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets a storage server's packets pass no more: <paramref name="hooks"/> are "input", "output" or both.</summary>
    public Task CutAsync(int storage, params string[] hooks) => CutAsync(storage, null, hooks);

    /// <summary>Likewise, but only those from or to another storage server.</summary>
    public async Task CutAsync(int storage, int? peer, params string[] hooks)
    {
        var rules = hooks.Select(hook =>
            $"add chain inet cut {hook} {{ type filter hook {hook} priority 0; }}\n"
            + (peer is { } p ? $"add rule inet cut {hook} ip {(hook == "input" ? "saddr" : "daddr")} {AddressOf(p)} drop" : $"add rule inet cut {hook} drop"));
        await Shell.RunAsync($"printf '%s\\n' 'add table inet cut\n{string.Join('\n', rules)}' | ip netns exec {NamespaceOf(storage)} nft -f -");
    }

    public Task HealAsync(int storage) => Shell.RunAsync($"ip netns exec {NamespaceOf(storage)} nft delete table inet cut");

    /// <summary>Waits until the one chain's targets are in a state, given as "state state state" from head to tail.</summary>
    public async Task WaitForAsync(Func<string[], bool> reached, string what)
    {
        var end = DateTime.UtcNow + TimeSpan.FromMinutes(2);
        for (var states = await StatesAsync(); !reached(states); states = await StatesAsync())
        {
            Assert.True(DateTime.UtcNow < end, $"the chain did not reach {what}; it is {string.Join(' ', states)}");
            await Task.Delay(200);
        }
    }

    public Task WaitUntilAllServeAsync() => WaitForAsync(states => states.All(s => s == "serving"), "all serving");

    public Task WaitUntilOneIsOutAsync() => WaitForAsync(states => states.Count(s => s == "serving") == 2, "two serving");

    public Task FsckAsync() => HubAsync($"{Cluster.ThreeFs} fsck {Which}");

    public async ValueTask DisposeAsync()
    {
        await Shell.TryAsync($"umount -l {Mount}; for p in {_directory}/*/pid; do kill -9 $(cat $p); done");
        await Shell.TryAsync($"for n in $(ip netns list | cut -d' ' -f1 | grep ^{_prefix}-); do ip netns del $n; done");
        await Shell.TryAsync($"rm -rf --one-file-system {_directory}");
    }

    private string NamespaceOf(int storage) => storage == 0 ? $"{_prefix}-hub" : $"{_prefix}-s{storage}";

    private static string AddressOf(int storage) => storage == 0 ? Hub : $"10.77.0.{10 + storage}";

    private async Task<string[]> StatesAsync()
    {
        // "1  30  101  201:offline  301:waiting": a target without a state serves.
        var text = await HubAsync($"{Cluster.ThreeFs} admin chains {Which} 2>/dev/null");
        var line = text.Split('\n').Single(l => l.StartsWith("1 ", StringComparison.Ordinal));
        return [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(2).Select(t => t.Contains(':') ? t.Split(':')[1] : "serving")];
    }

    private Task<string> HubAsync(string command) => Shell.RunAsync($"nsenter --net=/run/netns/{NamespaceOf(0)} {command}");

    private async Task MakeNetworkAsync()
    {
        var hub = NamespaceOf(0);
        var steps = $"ip netns add {hub}; ip -n {hub} link set lo up; ip -n {hub} link add name br0 type bridge; "
            + $"ip -n {hub} addr add {Hub}/24 dev br0; ip -n {hub} link set br0 up";
        for (var i = 1; i <= 3; i++)
        {
            var space = NamespaceOf(i);
            steps += $"; ip netns add {space}; ip -n {space} link set lo up; ip -n {hub} link add v{i} type veth peer name eth0 netns {space}; "
                + $"ip -n {hub} link set v{i} master br0 up; ip -n {space} addr add {AddressOf(i)}/24 dev eth0; ip -n {space} link set eth0 up";
        }

        await Shell.RunAsync(steps);
    }

    private async Task StartRolesAsync()
    {
        var mgmtd = $"mgmtd = [\"{Hub}:8000\", \"{Hub}:8001\"]\n";
        var kv = $"kv = \"lmdb:{_directory}/kv\"\n";
        System.IO.Directory.CreateDirectory($"{_directory}/kv");
        for (var i = 0; i < 2; i++) await StartAsync("mgmtd", $"mgmtd-{i}", 0, $"node_id = {1 + i}\ngrpc_port = {8000 + i}\nhost = \"{Hub}\"\n{mgmtd}{kv}");
        for (var i = 0; i < 2; i++) await StartAsync("meta", $"meta-{i}", 0, $"node_id = {101 + i}\nhost = \"{Hub}\"\n{mgmtd}{kv}");
        for (var i = 1; i <= 3; i++)
        {
            System.IO.Directory.CreateDirectory($"{_directory}/data-{i}");
            await StartAsync(
                "storage", $"storage-{i}", i, $"node_id = {200 + i}\nhost = \"{AddressOf(i)}\"\ndata_paths = [\"{_directory}/data-{i}\"]\n{mgmtd}");
        }

        await WaitForNodesAsync();
        await HubAsync($"{Cluster.ThreeFs} admin create-chains --targets-per-disk 1 --replicas 3 {Which}");
        System.IO.Directory.CreateDirectory(Mount);
        await StartAsync("mount", "mount", 0, $"mount_point = \"{Mount}\"\n{mgmtd}");
        await Shell.RunAsync($"while ! mountpoint -q {Mount}; do sleep 0.1; done", timeout: TimeSpan.FromMinutes(1));
        await WaitUntilAllServeAsync();
    }

    private Task StartAsync(string role, string name, int host, string config)
    {
        _roles.Add(name);
        System.IO.Directory.CreateDirectory($"{_directory}/{name}");
        var transport = role == "mgmtd" ? "" : "transport = \"tcp\"\n";
        File.WriteAllText($"{_directory}/{name}/config.toml", config + transport);
        return Shell.RunAsync(
            $"cd {_directory}/{name}; nsenter --net=/run/netns/{NamespaceOf(host)} setsid {Cluster.ThreeFs} {role} --config config.toml --pid-file pid "
            + "< /dev/null >> log 2>&1 &");
    }

    private async Task WaitForNodesAsync()
    {
        var end = DateTime.UtcNow + TimeSpan.FromMinutes(1);
        while (true)
        {
            var nodes = await Shell.TryAsync($"nsenter --net=/run/netns/{NamespaceOf(0)} {Cluster.ThreeFs} admin nodes {Which}");
            if (nodes.Output.Split('\n').Count(l => l.Contains("storage") && l.Contains("connected")) == 3) return;
            Assert.True(DateTime.UtcNow < end, $"the servers did not find each other:\n{nodes.Output}\n{Logs()}");
            await Task.Delay(200);
        }
    }

    private string Logs() => string.Join('\n', _roles.Select(r => $"--- {r}\n{File.ReadAllText($"{_directory}/{r}/log")}"));
}
