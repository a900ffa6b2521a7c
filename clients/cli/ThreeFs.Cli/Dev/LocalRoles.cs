using ThreeFs.Base;
using ThreeFs.Fuse;
using ThreeFs.Meta.Server;
using ThreeFs.Mgmtd.Server;
using ThreeFs.Storage.Server;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// The processes of a plan with the configurations that `up` writes for them on the first run; later the
/// files are the truth and may be edited. Node ids: mgmtd from 1, meta from 101, storage from 201. Target
/// ids: node id × 100 + number.
/// </summary>
internal static class LocalRoles
{
    public const string Loopback = "127.0.0.1";

    public static string NameOf(string role, int number) => $"{role}-{number}";

    public static TargetId TargetOf(NodeId node, int number) => new(node.Value * 100UL + (ulong)number);

    /// <summary>In the order in which they are started; the mount is last. None has ports yet.</summary>
    public static IReadOnlyList<LocalRole> Create(ClusterDirectory directory, ClusterPlan plan)
    {
        var kv = plan.Kv.Length > 0 ? plan.Kv : $"lmdb:{directory.KvDirectory}";
        return
        [
            .. Numbers(plan.Mgmtd).Select(i => Mgmtd(directory.Role(NameOf("mgmtd", i)), plan, (uint)i, kv)),
            .. Numbers(plan.Storage).Select(i => Storage(directory.Role(NameOf("storage", i)), plan, 200 + (uint)i)),
            .. Numbers(plan.Meta).Select(i => Meta(directory.Role(NameOf("meta", i)), plan, 100 + (uint)i, kv)),
            Mount(directory.Role("mount"), plan),
        ];
    }

    private static IEnumerable<int> Numbers(int count) => Enumerable.Range(1, count);

    private static LocalRole Mgmtd(RoleDirectory directory, ClusterPlan plan, uint id, string kv) =>
        new LocalRole<MgmtdConfig>(
        directory, "mgmtd",
        new MgmtdConfig { ClusterId = plan.ClusterId, NodeId = id, Host = Loopback, Kv = kv },
        c => c.NodeId,
        [new(c => c.GrpcPort, (c, p) => c.GrpcPort = p), new(c => c.HttpPort, (c, p) => c.HttpPort = p)],
        (c, addresses) => c.Mgmtd = addresses);

    private static LocalRole Meta(RoleDirectory directory, ClusterPlan plan, uint id, string kv) =>
        new LocalRole<MetaConfig>(
        directory, "meta",
        new MetaConfig
        {
            ClusterId = plan.ClusterId, NodeId = id, Host = Loopback, Kv = kv,
            ChunkSize = plan.ChunkSize, StripeSize = (uint)plan.Chains, Transport = plan.Transport,
        },
        c => c.NodeId,
        [
            new(c => c.DataPort, (c, p) => c.DataPort = p), new(c => c.GrpcPort, (c, p) => c.GrpcPort = p),
            new(c => c.HttpPort, (c, p) => c.HttpPort = p),
        ],
        (c, addresses) => c.Mgmtd = addresses);

    private static LocalRole Storage(RoleDirectory directory, ClusterPlan plan, uint id) =>
        new LocalRole<StorageConfig>(
        directory, "storage",
        new StorageConfig
        {
            ClusterId = plan.ClusterId, NodeId = id, Host = Loopback, DataPaths = [directory.DataDirectory],
            Transport = plan.Transport,
        },
        c => c.NodeId,
        [new(c => c.DataPort, (c, p) => c.DataPort = p), new(c => c.HttpPort, (c, p) => c.HttpPort = p)],
        (c, addresses) => c.Mgmtd = addresses);

    private static LocalRole Mount(RoleDirectory directory, ClusterPlan plan) => new LocalRole<MountConfig>(
        directory, "mount",
        new MountConfig { ClusterId = plan.ClusterId, MountPoint = plan.Mount, Transport = plan.Transport },
        _ => 0,
        [new(c => c.HttpPort, (c, p) => c.HttpPort = p)],
        (c, addresses) => c.Mgmtd = addresses);
}
