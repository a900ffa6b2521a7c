using System.CommandLine;

namespace ThreeFs.Cli.Commands.Meta;

/// <summary>What dump and load have in common.</summary>
internal static class DumpOptions
{
    public const int Buffer = 1 << 20;

    public static Option<string> NewStore() => new("--kv")
    {
        Description = "The store: lmdb:DIRECTORY or fdb:CLUSTER_FILE.", Required = true,
    };
}
