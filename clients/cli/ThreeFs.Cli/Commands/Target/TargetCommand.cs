using System.CommandLine;

namespace ThreeFs.Cli.Commands.Target;

/// <summary>`threefs target`: what an operator does to single targets of a running cluster.</summary>
internal static class TargetCommand
{
    public static Command Create() => new("target", "Replace and destroy targets of a running cluster.")
    {
        ReplaceCommand.Create(),
        DestroyCommand.Create(),
    };
}
