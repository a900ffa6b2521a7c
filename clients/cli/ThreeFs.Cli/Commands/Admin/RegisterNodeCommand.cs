using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin register-node`: makes a server known before it speaks; needed with allow_unknown_nodes = false.
/// </summary>
internal static class RegisterNodeCommand
{
    private static readonly Argument<uint> _node = new("NODE") { Description = "The node_id of its configuration." };
    private static readonly Argument<NodeKind> _kind = new("KIND") { Description = "mgmtd, meta or storage." };

    public static Command Create() => AdminCall.Command(
        "register-node", "Make a server known before its first heartbeat.", RunAsync, _node, _kind);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var (node, kind) = (new NodeId(call.Parsed.GetValue(_node)), call.Parsed.GetValue(_kind));
        if (kind == NodeKind.Client)
            return new Status(StatusCode.InvalidArgument, "clients are not registered; give mgmtd, meta or storage");
        var status = await call.View.Mgmtd.RegisterNodeAsync(call.ClusterId, node, kind, call.Ct);
        return status.IsOk ? $"node {node} is registered as {Names.Of(kind)}" : status;
    }
}
