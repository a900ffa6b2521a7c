using System.CommandLine;
using System.CommandLine.Invocation;
using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Cli.Commands;
using ThreeFs.Cli.Output;
using ThreeFs.Hosting;

var parsed = Root.Create().Parse(args);
if (parsed.Action is ParseErrorAction) return Usage.Refuse(parsed);

// The library's own handling gives up on a command that has not come to its first await: it could not say what it
// leaves behind.
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
var configuration = new InvocationConfiguration
{
    EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null,
};
try
{
    return await parsed.InvokeAsync(configuration, stop.Token);
}
catch (OperationCanceledException)
{
    return Say.Interrupted();
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
{
    // A path that cannot be used, a disk that is full: the user's to mend, and no defect to be traced.
    return Say.Failure(new Status(StatusCode.IoError, FileErrors.Sentence(e)));
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
