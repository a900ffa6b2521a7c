using System.CommandLine;
using ThreeFs.Cli.Commands.Meta;
using ThreeFs.Meta.Server;

namespace ThreeFs.Cli.Commands;

/// <summary>
/// `threefs meta`: Run a metadata server in the foreground; below it, what one does with metadata
/// offline.
/// </summary>
internal static class MetaCommand
{
    public static Command Create()
    {
        var command = RoleCommand.Create<MetaConfig>(
            "meta",
            "Run a metadata server in the foreground.",
            config => $"meta-{config.NodeId}",
            async (config, host, ct) => RunningRole.From(await MetaServer.StartAsync(config, host, ct)));
        command.Add(DumpCommand.Create());
        command.Add(LoadCommand.Create());
        return command;
    }
}
