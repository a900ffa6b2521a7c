using ThreeFs.Base;

namespace ThreeFs.Cli.Output;

/// <summary>How commands speak: results on standard output, progress and errors on standard error, exit code 0, 1 (failed) or 2 (misused).</summary>
internal static class Say
{
    public static void Progress(string message) => Console.Error.WriteLine(message);

    /// <summary>Prints what went wrong and answers the exit code for it.</summary>
    public static int Failure(Status status)
    {
        Console.Error.WriteLine($"threefs: {status.Message ?? status.Code.ToString()}");
        return status.Code == StatusCode.InvalidArgument ? 2 : 1;
    }
}
