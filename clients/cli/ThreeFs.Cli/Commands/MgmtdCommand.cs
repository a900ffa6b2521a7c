using System.CommandLine;
using ThreeFs.Mgmtd.Server;

namespace ThreeFs.Cli.Commands;

/// <summary>`threefs mgmtd`: Run a cluster manager in the foreground.</summary>
internal static class MgmtdCommand
{
    public static Command Create() => RoleCommand.Create<MgmtdConfig>(
        "mgmtd",
        "Run a cluster manager in the foreground.",
        config => $"mgmtd-{config.NodeId}",
        async (config, host, ct) => RunningRole.From(await MgmtdServer.StartAsync(config, host, ct)));
}
