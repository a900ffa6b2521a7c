using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Output;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin tables`: chain tables with all versions; new files use the newest, old files keep theirs.
/// </summary>
internal static class TablesCommand
{
    public static Command Create() => AdminCall.Command("tables", "List chain tables with their versions.", RunAsync);

    private static Task<Result<string>> RunAsync(AdminCall call)
    {
        var table = new Table("TABLE", "VERSION", "CHAINS", "DESCRIPTION");
        foreach (var t in call.Routing.ChainTables.OrderBy(t => t.Id.Value).ThenBy(t => t.Version.Value))
            table.Add($"{t.Id}", $"{t.Version}", string.Join(" ", t.Chains), t.Description);
        return Task.FromResult<Result<string>>(table.ToString());
    }
}
