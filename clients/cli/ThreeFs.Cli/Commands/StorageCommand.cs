using System.CommandLine;
using ThreeFs.Storage.Server;

namespace ThreeFs.Cli.Commands;

/// <summary>`threefs storage`: Run a storage server in the foreground.</summary>
internal static class StorageCommand
{
    public static Command Create() => RoleCommand.Create<StorageConfig>(
        "storage",
        "Run a storage server in the foreground.",
        config => $"storage-{config.NodeId}",
        async (config, host, ct) => RunningRole.From(await StorageServer.StartAsync(config, host, ct)));
}
