using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Output;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Placement;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin rotate`: brings chains back to the order they were made with, which spreads heads over the nodes. One
/// target after the other steps down, syncs what was written meanwhile, and serves again as the tail; clients go on,
/// with a replica less for that time.
/// </summary>
internal static class RotateCommand
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);
    private static readonly Argument<uint[]> _chains = new("CHAIN")
    {
        Description = "Chains whose targets all serve.", Arity = ArgumentArity.ZeroOrMore,
    };
    private static readonly Option<bool> _all = new("--all") { Description = "All chains, one after the other." };

    public static Command Create() => AdminCall.Command(
        "rotate",
        "Bring chains back to the order they were made with: targets go to the tail and sync, one at a time. "
        + "Clients go on.",
        RunAsync, _chains, _all);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var named = (call.Parsed.GetValue(_chains) ?? []).Select(c => new ChainId(c)).Distinct().ToArray();
        if (call.Parsed.GetValue(_all) == named.Length > 0)
            return new Status(StatusCode.InvalidArgument, "which chains? Name them, or --all");
        if (named.FirstOrDefault(c => !call.Routing.Chains.ContainsKey(c)) is { Value: not 0 } unknown)
            return new Status(StatusCode.ChainNotFound, $"there is no chain {unknown}");
        var chains = named.Length > 0
            ? named
            : [.. call.Routing.Chains.Values.Where(c => Rotation.Next(c) is not null).Select(c => c.Id).Order()];
        var text = "";
        foreach (var id in chains)
        {
            var rotated = await RotateAsync(call, id);
            if (!rotated.TryGet(out var chain)) return rotated.Status;
            text += $"chain {id} version {chain.Version}: {Names.Of(chain)}\n";
        }

        return text.Length > 0 ? text : "all chains that are whole have their preferred order\n";
    }

    /// <summary>One chain at a time, each whole again before the next step: never two copies less.</summary>
    private static async Task<Result<ChainInfo>> RotateAsync(AdminCall call, ChainId id)
    {
        var chain = call.View.Routing.Current.Chains[id];
        if (chain.Targets.Any(t => t.State != TargetState.Serving))
            return new Status(
                StatusCode.Busy, $"chain {id} is not whole: {Names.Of(chain)}; wait until all its targets serve");
        while (Rotation.Next(chain) is { } target)
        {
            Say.Progress($"chain {id}: target {target} goes to the tail");
            var asked = await call.View.Storage.Admin.StepDownAsync(
                new StepDownRequest(target, new VersionedChain(id, chain.Version)), call.Ct);
            if (asked.Code == StatusCode.ChainVersionMismatch)
            {
                await Task.Delay(_pause, call.Ct);
                chain = call.View.Routing.Current.Chains[id];
                continue;
            }

            if (!asked.IsOk) return asked;
            var version = chain.Version;
            var whole = await call.View.Routing.WaitFor(
                r => r.Chains[id].Version > version && r.Chains[id].Targets.All(t => t.State == TargetState.Serving),
                call.Ct);
            if (!whole.TryGet(out var routing)) return whole.Status;
            chain = routing.Chains[id];
        }

        return chain;
    }
}
