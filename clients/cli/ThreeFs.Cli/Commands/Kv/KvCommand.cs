using System.CommandLine;

namespace ThreeFs.Cli.Commands.Kv;

/// <summary>`threefs kv`: the store of a cluster's metadata.</summary>
internal static class KvCommand
{
    public static Command Create() => new("kv", "Work on the store of a cluster's metadata.")
    {
        CopyCommand.Create(),
    };
}
