using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Admin;

/// <summary>
/// What the subcommands of `threefs admin` have in common: the cluster to connect to, the newest routing, the answer on
/// standard output. Exit codes as everywhere: 0, 1 (failed), 2 (misused).
/// </summary>
/// <param name="Routing">As it was when the command began.</param>
internal sealed record AdminCall(ClusterView View, RoutingInfo Routing, ParseResult Parsed, CancellationToken Ct)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    public string ClusterId => View.ClusterId;

    /// <param name="run">Does it and answers the text to print.</param>
    public static Command Command(
        string name, string description, Func<AdminCall, Task<Result<string>>> run, params Symbol[] symbols)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument) command.Add(argument);
            else command.Add((Option)symbol);
        }

        var which = new WhichCluster();
        which.AddTo(command);
        command.SetAction((parsed, ct) => RunAsync(which, run, parsed, ct));
        return command;
    }

    private static async Task<int> RunAsync(
        WhichCluster which, Func<AdminCall, Task<Result<string>>> run, ParseResult parsed, CancellationToken ct)
    {
        var connected = which.Connect(parsed);
        if (!connected.TryGet(out var view)) return Say.Failure(connected.Status);
        await using var _ = view;
        var found = await view.FindRoutingAsync(_patience, ct);
        if (!found.TryGet(out var routing)) return Say.Failure(found.Status);
        var result = await run(new AdminCall(view, routing, parsed, ct));
        if (!result.TryGet(out var text)) return Say.Failure(result.Status);
        Console.Write(text.Length == 0 || text.EndsWith('\n') ? text : text + "\n");
        return 0;
    }
}
