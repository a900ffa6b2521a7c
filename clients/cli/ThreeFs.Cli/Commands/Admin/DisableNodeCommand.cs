using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>`threefs admin disable-node`: takes a server out of use until it is enabled again.</summary>
internal static class DisableNodeCommand
{
    private static readonly Argument<uint> _node = new("NODE") { Description = "The server's node id." };

    public static Command Create() => AdminCall.Command(
        "disable-node",
        "Take a server out of use: its heartbeats are refused and its targets leave their chains' serving part.",
        RunAsync, _node);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var node = new NodeId(call.Parsed.GetValue(_node));
        var status = await call.View.Mgmtd.SetNodeEnabledAsync(call.ClusterId, node, enabled: false, call.Ct);
        return status.IsOk ? $"node {node} is disabled" : status;
    }
}
