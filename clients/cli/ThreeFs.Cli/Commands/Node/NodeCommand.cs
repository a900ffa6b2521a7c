using System.CommandLine;

namespace ThreeFs.Cli.Commands.Node;

/// <summary>`threefs node`: storage servers come and go while the cluster is used.</summary>
internal static class NodeCommand
{
    public static Command Create() => new("node", "Move targets off a storage server, or onto a new one.")
    {
        DrainCommand.Create(),
        AddCommand.Create(),
    };
}
