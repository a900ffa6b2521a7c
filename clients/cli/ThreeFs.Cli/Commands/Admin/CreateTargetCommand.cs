using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin create-target`: an empty target on a node's disk; the way to replace a lost disk. A target
/// that its chain does not call offline is refused: an empty one in the place of the last that served would be
/// taken for the truth.
/// </summary>
internal static class CreateTargetCommand
{
    private static readonly Argument<ulong> _target = new("TARGET")
    {
        Description = "Id of the target; a lost one's to replace it.",
    };
    private static readonly Option<uint> _chain = new("--chain")
    {
        Description = "The chain it is for.", Required = true,
    };
    private static readonly Option<uint> _node = new("--node")
    {
        Description = "The storage server that gets it.", Required = true,
    };
    private static readonly Option<int> _disk = new("--disk")
    {
        Description = "Position of the disk in the server's data_paths, from 0 [default: 0].",
    };

    public static Command Create() => AdminCall.Command(
        "create-target", "Make an empty target on a storage server's disk.", RunAsync, _target, _chain, _node, _disk);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var target = new TargetId(call.Parsed.GetValue(_target));
        var chain = new ChainId(call.Parsed.GetValue(_chain));
        var node = new NodeId(call.Parsed.GetValue(_node));
        var disk = call.Parsed.GetValue(_disk);
        if (Refusal(call.Routing, target, chain) is { } refusal) return new Status(StatusCode.InvalidArgument, refusal);
        var status = await call.View.Storage.Admin.CreateTargetAsync(node, new(target, chain, disk), call.Ct);
        return status.IsOk ? $"target {target} for chain {chain} is on disk {disk} of node {node}" : status;
    }

    internal static string? Refusal(RoutingInfo routing, TargetId target, ChainId chain)
    {
        var home = routing.Chains.Values.FirstOrDefault(c => c.Targets.Any(t => t.Id == target));
        if (home is null) return null;
        if (home.Id != chain) return $"target {target} is in chain {home.Id}, not {chain}";
        var state = home.Targets.First(t => t.Id == target).State;
        return state == TargetState.Offline
            ? null
            : $"target {target} of chain {chain} is {Names.Of(state)}; only one that is offline there can be made anew";
    }
}
