using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>`threefs admin enable-node`: takes a disabled server back into use.</summary>
internal static class EnableNodeCommand
{
    private static readonly Argument<uint> _node = new("NODE") { Description = "The server's node id." };

    public static Command Create() => AdminCall.Command(
        "enable-node", "Take a disabled server back into use.", RunAsync, _node);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var node = new NodeId(call.Parsed.GetValue(_node));
        var status = await call.View.Mgmtd.SetNodeEnabledAsync(call.ClusterId, node, enabled: true, call.Ct);
        return status.IsOk ? $"node {node} is enabled" : status;
    }
}
