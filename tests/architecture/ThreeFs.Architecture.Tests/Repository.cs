using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace ThreeFs.Architecture.Tests;

/// <summary>The source tree under test, found from where this file was compiled.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Every project outside tests with the names of the projects it references.</summary>
    public static IReadOnlyDictionary<string, string[]> ProjectReferences { get; } =
        ProjectFiles("libs", "services", "clients").ToDictionary(NameOf, ReferencesOf);

    public static IEnumerable<string> ProjectFiles(params string[] folders) =>
        folders.Select(f => Path.Combine(Root, f)).Where(Directory.Exists)
            .SelectMany(f => Directory.EnumerateFiles(f, "*.csproj", SearchOption.AllDirectories));

    /// <summary>Every C# source file below the folders, generated ones excluded.</summary>
    public static IEnumerable<string> SourceFiles(params string[] folders) =>
        folders.Select(f => Path.Combine(Root, f)).Where(Directory.Exists)
            .SelectMany(f => Directory.EnumerateFiles(f, "*.cs", SearchOption.AllDirectories))
            .Where(f => !f.Contains("/obj/") && !f.Contains("/bin/"));

    /// <summary>Name of the project that a source file belongs to.</summary>
    public static string ProjectOf(string sourceFile)
    {
        var directory = Path.GetDirectoryName(sourceFile)!;
        while (true)
        {
            if (Directory.EnumerateFiles(directory, "*.csproj").FirstOrDefault() is { } project) return NameOf(project);
            directory = Path.GetDirectoryName(directory)!;
        }
    }

    public static string NameOf(string projectFile) => Path.GetFileNameWithoutExtension(projectFile);

    private static string[] ReferencesOf(string projectFile) =>
        XDocument.Load(projectFile).Descendants("ProjectReference")
            .Select(r => NameOf(r.Attribute("Include")!.Value.Replace('\\', '/'))).ToArray();

    private static string FindRoot([CallerFilePath] string here = "")
    {
        var directory = Path.GetDirectoryName(here);
        while (directory is not null && !File.Exists(Path.Combine(directory, "ThreeFs.sln"))) directory = Path.GetDirectoryName(directory);
        return directory ?? throw new DirectoryNotFoundException($"no ThreeFs.sln above {here}");
    }
}
