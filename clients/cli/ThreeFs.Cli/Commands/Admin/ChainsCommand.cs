using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Moves;
using ThreeFs.Cli.Output;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin chains`: every chain with its targets, those that do not serve with their state, and how far those
/// are that sync.
/// </summary>
internal static class ChainsCommand
{
    public static Command Create() =>
        AdminCall.Command("chains", "List chains with their targets from head to tail.", RunAsync);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var table = new Table("CHAIN", "VERSION", "TARGETS (head to tail)");
        foreach (var chain in call.Routing.Chains.Values.OrderBy(c => c.Id))
            table.Add($"{chain.Id}", $"{chain.Version}", Names.Of(chain));
        var syncing = await SyncProgress.ReadAsync(call.View, call.Routing, call.Ct);
        return table + string.Concat(syncing.Select(s => $"chain {s.Chain}: target {s.Target} {s}\n"));
    }
}
