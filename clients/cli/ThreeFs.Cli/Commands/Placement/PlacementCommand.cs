using System.CommandLine;

namespace ThreeFs.Cli.Commands.Placement;

/// <summary>`threefs placement`: how chains lie on nodes.</summary>
internal static class PlacementCommand
{
    public static Command Create() => new("placement", "Show how chains are laid over storage servers.")
    {
        PlanCommand.Create(),
    };
}
