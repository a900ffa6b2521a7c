using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin remove-target`: takes an offline target out of its chain for good; its files on the disk stay.
/// </summary>
internal static class RemoveTargetCommand
{
    private static readonly Argument<uint> _chain = new("CHAIN") { Description = "The chain." };
    private static readonly Argument<ulong> _target = new("TARGET") { Description = "A target of it that is offline." };

    public static Command Create() => AdminCall.Command(
        "remove-target", "Take an offline target out of its chain. Its files stay on its disk.", RunAsync, _chain,
        _target);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var (chain, target) = (new ChainId(call.Parsed.GetValue(_chain)), new TargetId(call.Parsed.GetValue(_target)));
        var removed = await call.View.Mgmtd.RemoveTargetAsync(call.ClusterId, chain, target, call.Ct);
        return removed.TryGet(out var now) ? $"chain {chain} version {now.Version}: {Names.Of(now)}" : removed.Status;
    }
}
