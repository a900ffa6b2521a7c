using System.Text.RegularExpressions;

namespace ThreeFs.Hosting;

/// <summary>Why a file or directory could not be used, in an operator's words instead of the runtime's.</summary>
public static partial class FileErrors
{
    /// <summary>The reason alone, such as "permission denied"; the caller names the file.</summary>
    public static string Why(Exception e) => e switch
    {
        DirectoryNotFoundException => "a directory of its path does not exist",
        FileNotFoundException => "it does not exist",
        UnauthorizedAccessException => "permission denied",
        PathTooLongException => "its path is too long",
        _ => WithoutPath(e.Message),
    };

    /// <summary>The reason with the file that the exception names.</summary>
    public static string Sentence(Exception e) =>
        Quoted().Match(e.Message) is { Success: true } path ? $"cannot use {path.Groups["path"].Value}: {Why(e)}" : Why(e);

    private static string WithoutPath(string message)
    {
        var text = Parameter().Replace(message, "");
        var colon = text.IndexOf(" : '", StringComparison.Ordinal);
        return colon > 0 ? text[..colon] : text.TrimEnd('.');
    }

    [GeneratedRegex("'(?<path>/[^']*)'")]
    private static partial Regex Quoted();

    [GeneratedRegex(@" \(Parameter '\w+'\)")]
    private static partial Regex Parameter();
}
