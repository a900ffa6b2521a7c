using System.Globalization;
using System.Runtime.InteropServices;
using ThreeFs.Base;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>Writes the results as a page with its chart (same name, .svg) and all numbers (.csv) beside it.</summary>
internal static class LadderPage
{
    public static Status Write(
        string path, IReadOnlyList<LadderResult> results, int rounds, TimeSpan time, DateTimeOffset now)
    {
        try
        {
            File.WriteAllText(Path.ChangeExtension(path, ".svg"), LadderChart.Draw(results));
            File.WriteAllText(Path.ChangeExtension(path, ".csv"), LadderTables.Csv(results));
            File.WriteAllText(path, Text(Path.GetFileNameWithoutExtension(path), results, rounds, time, now));
            return Status.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.IoError, $"write {path}: {e.Message}");
        }
    }

    private static string Text(
        string name, IReadOnlyList<LadderResult> results, int rounds, TimeSpan time, DateTimeOffset now) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"""
            # Performance

            Written by `tests/bench/run`, {now:yyyy-MM-dd}, on {Environment.ProcessorCount} processors
            ({RuntimeInformation.OSDescription}) that also run every server; all replicas share one disk. Each rung does
            the same loads on a file of its own; rungs take turns, {rounds} rounds of {time.TotalSeconds:0.##} s. A load
            is named by the size of an operation and how many are in flight. What a layer costs is the difference
            between two rungs:

            - **fio**, **raw**: io_uring and O_DIRECT on the cluster's disk, by fio and by this program. fio's
              sequential loads are one stream, those of the others one for each operation in flight.
            - **chunk**: the chunk engine in this process. Small writes go to its log.
            - **chain×N**: chunks on chains of N replicas through the client library's storage calls; **file**: the same
              as a file with its length.
            - **ring**: USRBIO through the mount; **mount**: O_DIRECT and io_uring through FUSE. Both on one file.

            Writes of all but fio and ring end with one flush, which their rates and processor times include. Tables
            show for each rung:

            - operations a second, the median of the rounds, in brackets the ratio to the rung below;
            - processor time of an operation, the median too: of the measuring process + the mount + all servers, as far
              as they take part;
            - latencies over all rounds.

            Numbers change with the machine and its neighbours; ratios hold. [All numbers]({name}.csv).

            ![Shares of the raw disk]({name}.svg)
            {LadderTables.Markdown(results)}
            """);
}
