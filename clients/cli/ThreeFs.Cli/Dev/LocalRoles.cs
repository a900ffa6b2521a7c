using ThreeFs.Base;
using ThreeFs.Fuse;
using ThreeFs.Meta.Server;
using ThreeFs.Mgmtd.Server;
using ThreeFs.Storage.Server;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// The processes of a plan with the configurations that `up` writes for them on the first run; later the files are the truth
/// and may be edited. Node ids: mgmtd from 1, meta from 101, storage from 201. Target ids: node id × 100 + number.
/// </summary>
internal static class LocalRoles
{
    public const string Loopback = "127.0.0.1";

    public static string NameOf(string role, int number) => $"{role}-{number}";

    public static TargetId TargetOf(NodeId node, int number) => new(node.Value * 100UL + (ulong)number);

    /// <summary>In the order in which they are started; the mount is last.</summary>
    public static IReadOnlyList<LocalRole> Create(ClusterDirectory directory, ClusterPlan plan)
    {
        var ports = new Queue<int>(FreePorts.Take(plan.Mgmtd * 2 + plan.Meta * 3 + plan.Storage * 2 + 1));
        var kv = $"lmdb:{directory.KvDirectory}";
        var mgmtds = Enumerable.Range(1, plan.Mgmtd).Select(i => Mgmtd(directory.Role(NameOf("mgmtd", i)), plan, (uint)i, kv, ports)).ToArray();
        var addresses = mgmtds.Select(m => $"{Loopback}:{m.Config.GrpcPort}").ToArray();
        foreach (var mgmtd in mgmtds) mgmtd.SetMgmtd(addresses);

        var roles = new List<LocalRole>(mgmtds);
        for (var i = 1; i <= plan.Storage; i++) roles.Add(Storage(directory.Role(NameOf("storage", i)), plan, 200 + (uint)i, addresses, ports));
        for (var i = 1; i <= plan.Meta; i++) roles.Add(Meta(directory.Role(NameOf("meta", i)), plan, 100 + (uint)i, kv, addresses, ports));
        roles.Add(Mount(directory.Role("mount"), plan, addresses, ports));
        return roles;
    }

    private static LocalRole<MgmtdConfig> Mgmtd(RoleDirectory directory, ClusterPlan plan, uint id, string kv, Queue<int> ports) => new(
        directory, "mgmtd",
        new MgmtdConfig { ClusterId = plan.ClusterId, NodeId = id, Host = Loopback, Kv = kv, GrpcPort = ports.Dequeue(), HttpPort = ports.Dequeue() },
        c => c.NodeId,
        [new(c => c.GrpcPort, (c, p) => c.GrpcPort = p), new(c => c.HttpPort, (c, p) => c.HttpPort = p)],
        (c, addresses) => c.Mgmtd = addresses);

    private static LocalRole<MetaConfig> Meta(RoleDirectory directory, ClusterPlan plan, uint id, string kv, string[] mgmtd, Queue<int> ports) => new(
        directory, "meta",
        new MetaConfig
        {
            ClusterId = plan.ClusterId, NodeId = id, Host = Loopback, Kv = kv, Mgmtd = mgmtd,
            GrpcPort = ports.Dequeue(), DataPort = ports.Dequeue(), HttpPort = ports.Dequeue(),
            ChunkSize = plan.ChunkSize, StripeSize = (uint)plan.Chains,
        },
        c => c.NodeId,
        [
            new(c => c.DataPort, (c, p) => c.DataPort = p), new(c => c.GrpcPort, (c, p) => c.GrpcPort = p),
            new(c => c.HttpPort, (c, p) => c.HttpPort = p),
        ],
        (c, addresses) => c.Mgmtd = addresses);

    private static LocalRole<StorageConfig> Storage(RoleDirectory directory, ClusterPlan plan, uint id, string[] mgmtd, Queue<int> ports) => new(
        directory, "storage",
        new StorageConfig
        {
            ClusterId = plan.ClusterId, NodeId = id, Host = Loopback, Mgmtd = mgmtd, DataPaths = [directory.DataDirectory],
            DataPort = ports.Dequeue(), HttpPort = ports.Dequeue(),
        },
        c => c.NodeId,
        [new(c => c.DataPort, (c, p) => c.DataPort = p), new(c => c.HttpPort, (c, p) => c.HttpPort = p)],
        (c, addresses) => c.Mgmtd = addresses);

    private static LocalRole<MountConfig> Mount(RoleDirectory directory, ClusterPlan plan, string[] mgmtd, Queue<int> ports) => new(
        directory, "mount",
        new MountConfig { ClusterId = plan.ClusterId, MountPoint = plan.Mount, Mgmtd = mgmtd, HttpPort = ports.Dequeue() },
        _ => 0,
        [new(c => c.HttpPort, (c, p) => c.HttpPort = p)],
        (c, addresses) => c.Mgmtd = addresses);
}
