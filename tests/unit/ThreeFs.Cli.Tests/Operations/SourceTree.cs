using System.Runtime.CompilerServices;

namespace ThreeFs.Cli.Tests.Operations;

/// <summary>Files of the tree that this test was compiled from.</summary>
internal static class SourceTree
{
    public static string Root { get; } = FindRoot();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot([CallerFilePath] string here = "")
    {
        var directory = Path.GetDirectoryName(here);
        while (directory is not null && !File.Exists(Path.Combine(directory, "ThreeFs.sln"))) directory = Path.GetDirectoryName(directory);
        return directory ?? throw new DirectoryNotFoundException($"no ThreeFs.sln above {here}");
    }
}
