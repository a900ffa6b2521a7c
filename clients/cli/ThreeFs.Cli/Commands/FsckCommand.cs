using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Fsck;
using ThreeFs.Cli.Output;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Commands;

/// <summary>
/// `threefs fsck`: proves that the serving replicas of every chain hold the same chunks with equal versions and checksums, and
/// that the bytes on each disk have them. Reads only. Exit code 0: all is well; 1: there are problems, or not everything could be checked.
/// </summary>
internal static class FsckCommand
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        var dir = UpCommand.DirOption();
        var metadata = new Option<bool>("--metadata-only") { Description = "Compare versions and checksums without reading the bytes." };
        var command = new Command("fsck", "Check that all replicas of every chunk are identical and undamaged.") { dir, metadata };
        command.SetAction((parsed, ct) => RunAsync(ClusterDirectory.At(parsed.GetValue(dir)), !parsed.GetValue(metadata), ct));
        return command;
    }

    private static async Task<int> RunAsync(ClusterDirectory directory, bool readBytes, CancellationToken ct)
    {
        var opened = LocalCluster.Open(directory);
        if (!opened.TryGet(out var cluster)) return Say.Failure(opened.Status);
        await using var view = ClusterView.Connect(cluster, NullLoggerFactory.Instance);
        var routing = await view.NewestRoutingAsync(_patience, ct);
        if (routing.Chains.Count == 0)
            return Say.Failure(new Status(StatusCode.Unavailable, $"the cluster in {directory.Path} does not answer, or has no chains; is it up?"));

        var problems = routing.Chains.Values.SelectMany(c => c.Targets.Where(t => t.State != TargetState.Serving)
            .Select(t => $"chain {c.Id}: target {t.Id} does not serve ({t.State}) and was not checked")).ToList();
        using var buffers = new BufferPool(64L << 20);
        long chunks = 0, bytes = 0;
        foreach (var chain in routing.Chains.Values.OrderBy(c => c.Id))
        {
            var checker = new ChainChecker(view.Storage.Admin, chain, readBytes, buffers, TimeProvider.System);
            var status = await checker.RunAsync(ct);
            if (!status.IsOk) problems.Add($"chain {chain.Id}: {status.Message}");
            problems.AddRange(checker.Problems);
            chunks += checker.Chunks;
            bytes += checker.Bytes;
            Say.Progress($"chain {chain.Id}: {checker.Chunks} chunks, {new ByteSize(checker.Bytes)}, {checker.Problems.Count} problems");
        }

        foreach (var problem in problems) Console.WriteLine(problem);
        Console.WriteLine(
            $"{routing.Chains.Count} chains, {chunks} chunks, {new ByteSize(bytes)} identical on all serving replicas; "
            + (problems.Count == 0 ? "no problem found" : $"{problems.Count} problems"));
        return problems.Count == 0 ? 0 : 1;
    }
}
