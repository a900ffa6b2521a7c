using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Output;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>`threefs admin chains`: every chain with its targets, those that do not serve with their state.</summary>
internal static class ChainsCommand
{
    public static Command Create() => AdminCall.Command("chains", "List chains with their targets from head to tail.", RunAsync);

    private static Task<Result<string>> RunAsync(AdminCall call)
    {
        var table = new Table("CHAIN", "VERSION", "TARGETS (head to tail)");
        foreach (var chain in call.Routing.Chains.Values.OrderBy(c => c.Id)) table.Add($"{chain.Id}", $"{chain.Version}", Names.Of(chain));
        return Task.FromResult<Result<string>>(table.ToString());
    }
}
