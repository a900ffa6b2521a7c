using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin give-up-last`: for a chain that waits for a target which will never come back. The next target
/// becomes the truth; what only the lost one had is lost.
/// </summary>
internal static class GiveUpLastCommand
{
    private static readonly Argument<uint> _chain = new("CHAIN")
    {
        Description = "A chain that waits for its last serving target (lastsrv).",
    };
    private static readonly Option<bool> _accept = new("--accept-data-loss")
    {
        Description = "Required: updates that only the given-up target has are lost.",
    };

    public static Command Create() => AdminCall.Command(
        "give-up-last", "Give up the target a chain waits for and take the next one for the truth. Loses data.",
        RunAsync, _chain, _accept);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var id = new ChainId(call.Parsed.GetValue(_chain));
        if (!call.Routing.Chains.TryGetValue(id, out var before))
            return new Status(StatusCode.ChainNotFound, $"there is no chain {id}");
        if (before.Targets[0].State != TargetState.LastServing || before.Targets.Length < 2)
            return Bad($"chain {id} does not wait for a last serving target, or has no other: {Names.Of(before)}");
        if (!call.Parsed.GetValue(_accept))
        {
            return Bad(
                $"giving up target {before.Targets[0].Id} loses what was written while it alone served; "
                + "add --accept-data-loss if it will never be back");
        }

        var rotated = await call.View.Mgmtd.RotateLastServingAsync(call.ClusterId, id, call.Ct);
        return rotated.TryGet(out var now) ? $"chain {id} version {now.Version}: {Names.Of(now)}" : rotated.Status;
    }

    private static Status Bad(string message) => new(StatusCode.InvalidArgument, message);
}
