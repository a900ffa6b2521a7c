using System.Text;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// Stores the next version of a kind's configuration; nodes get it with their next heartbeat. The same
/// text keeps its version.
/// </summary>
internal static class SetConfig
{
    public static Result<Change<ulong>> Apply(ClusterRecord cluster, NodeKind kind, string content, string description)
    {
        if (!Enum.IsDefined(kind)) return new Status(StatusCode.InvalidArgument, $"{(byte)kind} is no kind of node");
        if (Encoding.UTF8.GetByteCount(content) > MgmtdLimits.ConfigBytes)
            return new Status(
                StatusCode.InvalidArgument, $"the configuration is longer than {MgmtdLimits.ConfigBytes} bytes");
        if (Encoding.UTF8.GetByteCount(description) > MgmtdLimits.DescriptionBytes)
            return new Status(
                StatusCode.InvalidArgument, $"the description is longer than {MgmtdLimits.DescriptionBytes} bytes");
        var newest = cluster.Configs.GetValueOrDefault(kind);
        if (newest is not null && newest.Content == content && newest.Description == description)
            return new Change<ulong>(cluster, newest.Version);
        var next = new ConfigInfo(kind, (newest?.Version ?? 0) + 1, content, description);
        return new Change<ulong>(cluster.With(next), next.Version);
    }
}
