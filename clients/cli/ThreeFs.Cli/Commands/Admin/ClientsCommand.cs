using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Output;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>`threefs admin clients`: the mounts and other client processes that have a session.</summary>
internal static class ClientsCommand
{
    public static Command Create() =>
        AdminCall.Command("clients", "List mounts and other clients that have a session.", RunAsync);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var listed = await call.View.Mgmtd.ListClientSessionsAsync(call.ClusterId, call.Ct);
        if (!listed.TryGet(out var sessions)) return listed.Status;
        var table = new Table("HOST", "PID", "SINCE", "SEEN", "CLIENT", "DESCRIPTION");
        foreach (var s in sessions.Sessions.OrderBy(s => s.HostName, StringComparer.Ordinal).ThenBy(s => s.ProcessId))
        {
            var seen = Math.Max(0, (DateTimeOffset.UtcNow - s.LastExtended).TotalSeconds);
            table.Add(
                s.HostName, $"{s.ProcessId}", $"{s.Started:yyyy-MM-ddTHH:mm:ssZ}",
                $"{seen:0} s ago", $"{s.Id}", s.Description);
        }

        return table.ToString();
    }
}
