using System.CommandLine;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin`: what an operator sees and changes of a running cluster; one subcommand, one file in this folder.
/// </summary>
internal static class AdminCommand
{
    public static Command Create() => new("admin", "Look at and change a running cluster.")
    {
        NodesCommand.Create(),
        ChainsCommand.Create(),
        TargetsCommand.Create(),
        TablesCommand.Create(),
        ClientsCommand.Create(),
        CreateChainsCommand.Create(),
        CreateChainCommand.Create(),
        CreateTargetCommand.Create(),
        SetTableCommand.Create(),
        AddTargetCommand.Create(),
        RemoveTargetCommand.Create(),
        RotateCommand.Create(),
        GiveUpLastCommand.Create(),
        RegisterNodeCommand.Create(),
        DisableNodeCommand.Create(),
        EnableNodeCommand.Create(),
        ForgetNodeCommand.Create(),
    };
}
