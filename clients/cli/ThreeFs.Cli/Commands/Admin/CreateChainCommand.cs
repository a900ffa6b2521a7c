using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin create-chain`: one chain of targets that exist; for layouts that `create-chains` does not plan.
/// </summary>
internal static class CreateChainCommand
{
    private static readonly Argument<uint> _chain = new("CHAIN") { Description = "Id of the new chain." };
    private static readonly Argument<ulong[]> _targets = new("TARGET")
    {
        Description = "Its targets from head to tail, on different nodes. The first is the one the others copy.",
        Arity = ArgumentArity.OneOrMore,
    };

    public static Command Create() => AdminCall.Command(
        "create-chain", "Make one chain of existing targets. It holds no files until a chain table has it (set-table).",
        RunAsync, _chain, _targets);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var chain = new ChainId(call.Parsed.GetValue(_chain));
        var targets = call.Parsed.GetValue(_targets)!.Select(t => new TargetId(t)).ToArray();
        var status = await call.View.Mgmtd.SetChainsAsync(
            call.ClusterId, [new(chain, [.. targets], [.. targets])], call.Ct);
        return status.IsOk ? $"chain {chain}: {string.Join("  ", targets)}" : status;
    }
}
