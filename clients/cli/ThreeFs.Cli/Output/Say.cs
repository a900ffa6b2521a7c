using ThreeFs.Base;

namespace ThreeFs.Cli.Output;

/// <summary>
/// How commands speak: results on standard output, progress and errors on standard error, exit code 0, 1 (failed), 2
/// (misused) or 130 (interrupted by SIGINT).
/// </summary>
internal static class Say
{
    public static void Progress(string message) => Console.Error.WriteLine(message);

    /// <summary>Prints what went wrong and answers the exit code for it.</summary>
    public static int Failure(Status status)
    {
        Console.Error.WriteLine($"threefs: {status.Message ?? status.Code.ToString()}");
        return status.Code == StatusCode.InvalidArgument ? 2 : 1;
    }

    /// <summary>Says so and answers the exit code for it.</summary>
    /// <param name="left">What runs on, and how to go on or stop; null when nothing was left behind.</param>
    public static int Interrupted(string? left = null)
    {
        Console.Error.WriteLine(left is null ? "threefs: interrupted" : $"threefs: interrupted; {left}");
        return 130;
    }
}
