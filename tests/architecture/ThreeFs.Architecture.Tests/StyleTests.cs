using System.Text.RegularExpressions;

namespace ThreeFs.Architecture.Tests;

/// <summary>The rules of the code that a machine can check and an analyzer does not.</summary>
public sealed class StyleTests
{
    private const int MaxColumns = 120;

    private static readonly string[] _all = ["libs", "services", "clients", "tests"];
    private static readonly string[] _production = ["libs", "services", "clients"];

    private static readonly string[] _mayBeLong =
        [.. File.ReadLines(Path.Combine(Repository.Root, "tests/architecture/long-lines.txt")).Where(l => l[0] != '#')];

    [Fact]
    public void No_todo_is_written_without_a_number()
    {
        // Split so that this file does not find itself.
        var pattern = new Regex(@"\bTO" + @"DO\b(?!\(#?\d+|\s*\(ADR)");
        AssertNoLine(_all, line => pattern.IsMatch(line));
    }

    [Fact]
    public void No_regions() => AssertNoLine(_all, line => line.TrimStart().StartsWith("#reg" + "ion", StringComparison.Ordinal));

    [Fact]
    public void No_test_is_skipped() => AssertNoLine(["tests"], line => Regex.IsMatch(line, @"Skip\s*=\s*" + "\""));

    [Fact]
    public void No_line_is_longer_than_the_editor_says()
    {
        Assert.Contains($"max_line_length = {MaxColumns}", File.ReadAllText(Path.Combine(Repository.Root, ".editorconfig")));
        AssertNoLine(_production, line => line.Length > MaxColumns, file => !_mayBeLong.Contains(Repository.ProjectOf(file)));
    }

    [Fact]
    public void Every_project_that_may_have_long_lines_has_one()
    {
        var longLines = Repository.SourceFiles(_production).Where(f => File.ReadLines(f).Any(l => l.Length > MaxColumns));
        Assert.Empty(_mayBeLong.Except(longLines.Select(Repository.ProjectOf)));
    }

    private static void AssertNoLine(string[] folders, Predicate<string> wrong, Predicate<string>? looked = null)
    {
        var found = from file in Repository.SourceFiles(folders)
                    where looked is null || looked(file)
                    from line in File.ReadLines(file).Select((text, i) => (Text: text, Number: i + 1))
                    where wrong(line.Text)
                    select $"{Path.GetRelativePath(Repository.Root, file)}:{line.Number}: {line.Text.Trim()}";
        Assert.Empty(found);
    }
}
