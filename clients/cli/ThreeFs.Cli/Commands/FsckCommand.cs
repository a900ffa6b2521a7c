using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Fsck;
using ThreeFs.Cli.Output;

namespace ThreeFs.Cli.Commands;

/// <summary>
/// `threefs fsck`: proves that the serving replicas of every chain hold the same chunks with equal versions and
/// checksums, and that the bytes on each disk have them. Reads only. A server that has just died or come back is given
/// time to be noticed, so that what is reported is what stays. Exit code 0: all is well; 1: there are problems, or not
/// everything could be checked.
/// </summary>
internal static class FsckCommand
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    /// <summary>Several times mgmtd's failure timeout.</summary>
    private static readonly TimeSpan _settleTime = TimeSpan.FromSeconds(15);

    private const int Attempts = 3;

    public static Command Create()
    {
        var which = new WhichCluster();
        var metadata = new Option<bool>("--metadata-only")
        {
            Description = "Compare versions and checksums without reading the bytes.",
        };
        var command = new Command("fsck", "Check that all replicas of every chunk are identical and undamaged.")
        {
            metadata,
        };
        which.AddTo(command);
        command.SetAction((parsed, ct) => RunAsync(which.Connect(parsed), !parsed.GetValue(metadata), ct));
        return command;
    }

    private static async Task<int> RunAsync(Result<ClusterView> connected, bool readBytes, CancellationToken ct)
    {
        if (!connected.TryGet(out var opened)) return Say.Failure(connected.Status);
        await using var view = opened;
        var found = await view.FindRoutingAsync(_patience, ct);
        if (!found.TryGet(out var routing))
            return Say.Failure(new Status(found.Code, $"{found.Status.Message}; is it up?"));
        if (routing.Chains.Count == 0)
            return Say.Failure(new Status(StatusCode.Unavailable, $"cluster {view.ClusterId} has no chains"));

        using var serving = new ServingCheck(view.Storage.Admin);
        using var buffers = new BufferPool(64L << 20);
        await serving.SettleAsync(view.Routing, _settleTime, ct);
        var problems = new List<string>();
        long chunks = 0, bytes = 0;
        foreach (var chain in routing.Chains.Keys.Order())
        {
            var checker = await CheckAsync(chain);
            problems.AddRange(checker.NotChecked);
            problems.AddRange(checker.Problems);
            chunks += checker.Chunks;
            bytes += checker.Bytes;
            var size = new ByteSize(checker.Bytes);
            Say.Progress($"chain {chain}: {checker.Chunks} chunks, {size}, {checker.Problems.Count} problems");
        }

        foreach (var problem in problems) Console.WriteLine(problem);
        Console.WriteLine(
            $"{routing.Chains.Count} chains, {chunks} chunks, {new ByteSize(bytes)} identical on all serving replicas; "
            + (problems.Count == 0 ? "no problem found" : $"{problems.Count} problems"));
        return problems.Count == 0 ? 0 : 1;

        // A server that dies meanwhile is no finding about its chunks: the chain is checked again as it is without it.
        async Task<ChainChecker> CheckAsync(ChainId chain)
        {
            for (var attempt = 1; ; attempt++)
            {
                var checker = new ChainChecker(
                    view.Storage.Admin, view.Routing.Current.Chains[chain], readBytes, buffers, TimeProvider.System);
                var status = await checker.RunAsync(ct);
                if (status.IsOk) return checker;
                if (attempt == Attempts)
                {
                    checker.Problems.Add($"chain {chain}: {status.Message}");
                    return checker;
                }

                await serving.SettleAsync(view.Routing, _settleTime, ct);
            }
        }
    }
}
