using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Moves;

namespace ThreeFs.Cli.Commands.Target;

/// <summary>
/// `threefs target destroy`: deletes the data of targets that no chain has any more, through the
/// servers that hold them.
/// </summary>
internal static class DestroyCommand
{
    private static readonly Argument<ulong[]> _targets = new("TARGET")
    {
        Description = "Targets without a chain (chain - in `threefs admin targets`).", Arity = ArgumentArity.OneOrMore,
    };

    public static Command Create() => AdminCall.Command(
        "destroy", "Delete targets that no chain has, with all their data. One that a chain has is refused.", RunAsync,
        _targets);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var listed = await call.View.Mgmtd.ListOrphanTargetsAsync(call.ClusterId, call.Ct);
        if (!listed.TryGet(out var orphans)) return listed.Status;
        var text = "";
        foreach (var target in (call.Parsed.GetValue(_targets) ?? []).Select(t => new TargetId(t)).Distinct())
        {
            var node = orphans.FirstOrDefault(o => o.Id == target)?.Node ?? default;
            if (node.Value == 0 && !call.Routing.Targets.ContainsKey(target))
                return new Status(
                    StatusCode.TargetNotFound, $"{text}no server reports a target {target} without a chain");
            var destroyed = await OldTargets.DestroyAsync(call.View, target, node, call.Ct);
            if (!destroyed.IsOk)
                return new Status(destroyed.Code, $"{text}{destroyed.Message ?? destroyed.Code.ToString()}");
            text += $"target {target} on node {node} is destroyed\n";
        }

        return text;
    }
}
