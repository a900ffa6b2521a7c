using System.Text.RegularExpressions;

namespace ThreeFs.Cluster.Tests.Harness;

/// <summary>fio that writes and verifies until told to stop; any error or differing byte makes <see cref="StopAsync"/> fail.</summary>
public sealed class VerifiedLoad : IDisposable
{
    private readonly RunningCommand _fio;
    private readonly string _directory;

    private VerifiedLoad(string directory, RunningCommand fio)
    {
        _directory = directory;
        _fio = fio;
    }

    /// <summary>Starts the load and waits until it has written something.</summary>
    public static async Task<VerifiedLoad> StartAsync(string directory)
    {
        // Rounds of "write everything, verify everything"; the stop file is looked at between rounds.
        var command =
            $$"""
            cd {{directory}}
            round=0
            while [ ! -e stop ]; do
                fio --name=direct --bs=16k --rw=randwrite --direct=1 --numjobs=2 --size=6m --ioengine=libaio --iodepth=8 \
                    --verify=crc32c --verify_fatal=1 --do_verify=1 --fallocate=none --group_reporting --minimal > fio.out 2>&1 || { cat fio.out; exit 1; }
                fio --name=buffered --bs=100k --rw=write --direct=0 --numjobs=2 --size=6m --fsync=16 \
                    --verify=crc32c --verify_fatal=1 --do_verify=1 --fallocate=none --group_reporting --minimal > fio.out 2>&1 || { cat fio.out; exit 1; }
                round=$((round + 1)); echo "round $round"
            done
            """;
        System.IO.Directory.CreateDirectory(directory);
        var load = new VerifiedLoad(directory, Shell.Start(command));
        await load.PassRoundsAsync(1);
        return load;
    }

    private int Rounds => Regex.Count(_fio.OutputSoFar, "^round ", RegexOptions.Multiline);

    /// <summary>Waits until so many more rounds were written and verified.</summary>
    public async Task PassRoundsAsync(int count)
    {
        var goal = Rounds + count;
        var end = DateTime.UtcNow + TimeSpan.FromMinutes(3);
        while (Rounds < goal)
        {
            Assert.False(_fio.HasExited, $"the load ended:\n{_fio.OutputSoFar}");
            Assert.True(DateTime.UtcNow < end, $"the load makes no progress:\n{_fio.OutputSoFar}");
            await Task.Delay(50);
        }
    }

    public async Task StopAsync()
    {
        await File.WriteAllTextAsync(Path.Combine(_directory, "stop"), "");
        (await _fio.WaitAsync(TimeSpan.FromMinutes(3))).Succeeded();
    }

    public void Dispose() => _fio.Dispose();
}
