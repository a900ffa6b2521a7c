using System.CommandLine;

namespace ThreeFs.Cli.Commands;

/// <summary>Options whose value is a path: an empty one is refused where it is given.</summary>
internal static class PathOption
{
    public static Option<string?> Create(string name, string description)
    {
        var option = new Option<string?>(name) { Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }]) result.AddError($"{name} \"\": must be a path");
        });
        return option;
    }
}
