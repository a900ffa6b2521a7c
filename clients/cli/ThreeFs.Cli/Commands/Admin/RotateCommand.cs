using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>`threefs admin rotate`: one step of a chain back to the order it was created with, which spreads heads over the nodes.</summary>
internal static class RotateCommand
{
    private static readonly Argument<uint> _chain = new("CHAIN") { Description = "A chain whose targets all serve." };

    public static Command Create() => AdminCall.Command(
        "rotate",
        "Move a chain one step towards the order it was created with: a target goes to the tail and syncs. Repeat until nothing changes. "
        + "Do it when nobody uses the cluster: for a moment a reader with old routing may get old bytes from the target that is moved.",
        RunAsync, _chain);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var id = new ChainId(call.Parsed.GetValue(_chain));
        if (!call.Routing.Chains.TryGetValue(id, out var before)) return new Status(StatusCode.ChainNotFound, $"there is no chain {id}");
        if (before.Targets.Any(t => t.State != TargetState.Serving))
            return new Status(StatusCode.Busy, $"chain {id} is not whole: {Names.Of(before)}; wait until all its targets serve");
        var rotated = await call.View.Mgmtd.RotateAsPreferredAsync(call.ClusterId, id, call.Ct);
        if (!rotated.TryGet(out var now)) return rotated.Status;
        return now.Version == before.Version ? $"chain {id} has its preferred order" : $"chain {id} version {now.Version}: {Names.Of(now)}";
    }
}
