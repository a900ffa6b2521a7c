using System.Globalization;
using System.Runtime.InteropServices;
using ThreeFs.Base;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>
/// Writes the results as a page with its charts (same name, .svg and -growth.svg) and all numbers (.csv) beside it.
/// </summary>
/// <param name="how">How they were measured, as in "3 rounds of 0.25 s".</param>
internal sealed class LadderPage(
    IReadOnlyList<LadderResult> ladder, IReadOnlyList<LadderResult> growth, string how, DateTimeOffset now)
{
    /// <returns><see cref="StatusCode.IoError"/> when a file cannot be written.</returns>
    public Status Write(string path)
    {
        try
        {
            var name = Path.GetFileNameWithoutExtension(path);
            File.WriteAllText(Path.ChangeExtension(path, ".svg"), LadderChart.Draw(ladder));
            File.WriteAllText(Path.ChangeExtension(path, ".csv"), LadderTables.Csv([.. ladder, .. growth]));
            if (growth.Count > 0) File.WriteAllText(GrowthFile(path), GrowthChart.Draw(growth));
            File.WriteAllText(path, Text(name) + (growth.Count > 0 ? GrowthText(GrowthFile(name)) : ""));
            return Status.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.IoError, $"write {path}: {e.Message}");
        }
    }

    private static string GrowthFile(string page) =>
        Path.Combine(Path.GetDirectoryName(page)!, $"{Path.GetFileNameWithoutExtension(page)}-growth.svg");

    private string Text(string name) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        # Performance

        Written by `tests/bench/run`, {now:yyyy-MM-dd}: {how} on a machine with {Environment.ProcessorCount} processors
        ({RuntimeInformation.OSDescription}, Linux {Environment.OSVersion.Version}) that also runs every server; all
        replicas share one disk. Each rung does the same loads on a file of its own, in turns. A load is named by the
        size of an operation and how many are in flight. What a layer costs is the difference between two rungs:

        - **fio**, **raw**: io_uring and O_DIRECT on the cluster's disk, by fio and by this program. fio's sequential
          loads are one stream, those of the others one for each operation in flight.
        - **chunk**: the chunk engine in this process; operations larger than a chunk go to it in parts.
        - **chain×N**: chunks on chains of N replicas through the client library's storage calls; **file**: the same as
          a file with its length.
        - **ring**: USRBIO through the mount; **mount**: O_DIRECT and io_uring through FUSE. Both on one file.

        Writes are overwrites. Those of all but fio and ring end with one flush, which rates and processor times
        include. The tables show for each rung:

        - operations a second, the median of the rounds, in brackets the ratio to the rung below;
        - processor time of an operation, the median too: of the measuring process + the mount + all servers, as far as
          they take part;
        - latencies over all rounds.

        Numbers change with the machine and its neighbours; ratios hold. [All numbers]({name}.csv).

        ![Shares of the raw disk]({name}.svg)
        {LadderTables.Markdown(ladder)}
        """);

    private string GrowthText(string chart) =>
        $"""

        ## As the work grows

        The same operations, as many in flight, over the same bytes, on files of one client, then spread over more
        clients (each with its connections and a file), then over more files of one client. In brackets the processor
        time's ratio to the first.

        ![Processor time as the work grows]({chart})
        {LadderTables.GrowthMarkdown(growth)}
        """;
}
