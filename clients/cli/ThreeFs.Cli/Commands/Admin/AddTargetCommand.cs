using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>`threefs admin add-target`: a chain gets one more replica, which syncs from the others.</summary>
internal static class AddTargetCommand
{
    private static readonly Argument<uint> _chain = new("CHAIN") { Description = "The chain." };
    private static readonly Argument<ulong> _target = new("TARGET")
    {
        Description = "A target that was created for it (create-target).",
    };

    public static Command Create() => AdminCall.Command(
        "add-target", "Append a target to a chain; it syncs and then serves.", RunAsync, _chain, _target);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var (chain, target) = (new ChainId(call.Parsed.GetValue(_chain)), new TargetId(call.Parsed.GetValue(_target)));
        var added = await call.View.Mgmtd.AddTargetAsync(call.ClusterId, chain, target, default, call.Ct);
        return added.TryGet(out var now) ? $"chain {chain} version {now.Version}: {Names.Of(now)}" : added.Status;
    }
}
