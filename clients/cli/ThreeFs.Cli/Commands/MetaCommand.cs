using System.CommandLine;
using ThreeFs.Meta.Server;

namespace ThreeFs.Cli.Commands;

/// <summary>`threefs meta`: Run a metadata server in the foreground.</summary>
internal static class MetaCommand
{
    public static Command Create() => RoleCommand.Create<MetaConfig>(
        "meta",
        "Run a metadata server in the foreground.",
        config => $"meta-{config.NodeId}",
        async (config, host, ct) => RunningRole.From(await MetaServer.StartAsync(config, host, ct)));
}
