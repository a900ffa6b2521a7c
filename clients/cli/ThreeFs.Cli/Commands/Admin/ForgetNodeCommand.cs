using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin forget-node`: removes a server that is gone for good and holds no target of a chain.
/// </summary>
internal static class ForgetNodeCommand
{
    private static readonly Argument<uint> _node = new("NODE") { Description = "A server that is disabled or failed." };

    public static Command Create() => AdminCall.Command(
        "forget-node", "Remove a server that is gone for good and has no target in a chain.", RunAsync, _node);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var node = new NodeId(call.Parsed.GetValue(_node));
        var status = await call.View.Mgmtd.UnregisterNodeAsync(call.ClusterId, node, call.Ct);
        return status.IsOk ? $"node {node} is forgotten" : status;
    }
}
