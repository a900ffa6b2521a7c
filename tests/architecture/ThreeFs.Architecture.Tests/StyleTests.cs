using System.Text.RegularExpressions;

namespace ThreeFs.Architecture.Tests;

/// <summary>The rules of the code that a machine can check and an analyzer does not.</summary>
public sealed class StyleTests
{
    private static readonly string[] _all = ["libs", "services", "clients", "tests"];

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

    private static void AssertNoLine(string[] folders, Predicate<string> wrong)
    {
        var found = from file in Repository.SourceFiles(folders)
                    from line in File.ReadLines(file).Select((text, i) => (Text: text, Number: i + 1))
                    where wrong(line.Text)
                    select $"{Path.GetRelativePath(Repository.Root, file)}:{line.Number}: {line.Text.Trim()}";
        Assert.Empty(found);
    }
}
