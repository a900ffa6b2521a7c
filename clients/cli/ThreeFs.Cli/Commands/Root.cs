using System.CommandLine;
using ThreeFs.Cli.Commands.Admin;
using ThreeFs.Cli.Commands.Kv;
using ThreeFs.Cli.Commands.Node;
using ThreeFs.Cli.Commands.Placement;
using ThreeFs.Cli.Commands.Target;

namespace ThreeFs.Cli.Commands;

/// <summary>The command line: one command, one file in this folder.</summary>
internal static class Root
{
    private const string Description = """
        ThreeFs: a distributed file system for AI training and inference.

        Exit codes: 0 done; 1 failed, or (status, fsck) something is not well; 2 misused, or a configuration is wrong;
        130 interrupted by SIGINT.
        """;

    public static RootCommand Create() => new(Description)
    {
        UpCommand.Create(),
        DownCommand.Create(),
        StatusCommand.Create(),
        FsckCommand.Create(),
        BenchCommand.Create(),
        PlacementCommand.Create(),
        TargetCommand.Create(),
        NodeCommand.Create(),
        AdminCommand.Create(),
        KvCommand.Create(),
        MountCommand.Create(),
        MgmtdCommand.Create(),
        MetaCommand.Create(),
        StorageCommand.Create(),
    };
}
