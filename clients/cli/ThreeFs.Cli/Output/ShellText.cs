namespace ThreeFs.Cli.Output;

/// <summary>Words as a shell reads them back, for commands that are printed to be copied.</summary>
internal static class ShellText
{
    public static string Quote(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "/._-+,:=@%~".Contains(c))
            ? word
            : "'" + word.Replace("'", "'\\''") + "'";
}
