using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin set-table`: the chains that new files are spread over, as a new version of a chain table.
/// </summary>
internal static class SetTableCommand
{
    private static readonly Argument<uint> _table = new("TABLE")
    {
        Description = "Id of the table; new files use 1 unless chain_table says otherwise.",
    };
    private static readonly Argument<uint[]> _chains = new("CHAIN")
    {
        Description = "All its chains, with equally many targets.", Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<string?> _description = new("--description")
    {
        Description = "A note that `admin tables` shows.",
    };

    public static Command Create() => AdminCall.Command(
        "set-table", "Give a chain table a new version. New files use it, existing files keep theirs.",
        RunAsync, _table, _chains, _description);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var table = new ChainTableId(call.Parsed.GetValue(_table));
        var chains = call.Parsed.GetValue(_chains)!.Select(c => new ChainId(c)).ToArray();
        var set = await call.View.Mgmtd.SetChainTableAsync(
            call.ClusterId, table, [.. chains], call.Parsed.GetValue(_description) ?? "", call.Ct);
        return set.TryGet(out var version)
            ? $"table {table} version {version}: {string.Join(" ", chains)}"
            : set.Status;
    }
}
