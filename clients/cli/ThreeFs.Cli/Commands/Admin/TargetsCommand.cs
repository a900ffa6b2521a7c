using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Output;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>`threefs admin targets`: every target of a chain, and those that servers report and no chain has.</summary>
internal static class TargetsCommand
{
    public static Command Create() => AdminCall.Command(
        "targets", "List targets: chain, states, disk, space. A target without a chain is shown with chain -.",
        RunAsync);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var orphans = await call.View.Mgmtd.ListOrphanTargetsAsync(call.ClusterId, call.Ct);
        if (!orphans.TryGet(out var withoutChain)) return orphans.Status;
        var table = new Table("TARGET", "CHAIN", "STATE", "REPORTED", "NODE", "DISK", "USED", "CAPACITY", "SPACE");
        foreach (var t in call.Routing.Targets.Values.OrderBy(t => t.Id))
            Add(table, t, $"{t.Chain}", Names.Of(t.State));
        foreach (var t in withoutChain.Where(t => !call.Routing.Targets.ContainsKey(t.Id))) Add(table, t, "-", "-");
        return table.ToString();
    }

    private static void Add(Table table, TargetInfo target, string chain, string state) => table.Add(
        $"{target.Id}", chain, state,
        Enum.IsDefined(target.LocalState) ? target.LocalState.ToString().ToLowerInvariant() : "-",
        target.Node.Value == 0 ? "-" : $"{target.Node}", $"{target.DiskIndex}", $"{new ByteSize(target.UsedBytes)}",
        $"{new ByteSize(target.CapacityBytes)}", target.LowSpace ? "low" : "ok");
}
