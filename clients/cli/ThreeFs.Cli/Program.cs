using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Commands;
using ThreeFs.Cli.Output;

try
{
    return await Root.Create().Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
{
    // A path that cannot be used, a disk that is full: the user's to mend, and no defect to be traced.
    return Say.Failure(new Status(StatusCode.IoError, e.Message));
}
