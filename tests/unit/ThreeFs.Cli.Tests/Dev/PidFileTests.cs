using ThreeFs.Base;
using ThreeFs.Cli.Dev;

namespace ThreeFs.Cli.Tests.Dev;

public sealed class PidFileTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("pid").FullName, "pid");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Fact]
    public void A_held_file_names_its_process_and_refuses_a_second_holder()
    {
        using var held = PidFile.Acquire(_path).Value;
        Assert.Equal(Environment.ProcessId, PidFile.RunningProcess(_path));
        var second = PidFile.Acquire(_path);
        Assert.Equal(StatusCode.Busy, second.Code);
        Assert.Contains($"process {Environment.ProcessId}", second.Status.Message);
    }

    [Fact]
    public void A_stale_file_is_no_process_and_is_taken_over()
    {
        File.WriteAllText(_path, "1\n");
        Assert.Null(PidFile.RunningProcess(_path));
        using var held = PidFile.Acquire(_path).Value;
        Assert.Equal(Environment.ProcessId, PidFile.RunningProcess(_path));
    }

    [Fact]
    public void Without_a_file_nothing_runs() => Assert.Null(PidFile.RunningProcess(_path));

    [Fact]
    public void A_directory_that_is_missing_is_named()
    {
        var result = PidFile.Acquire("/nowhere/pid");
        Assert.Equal(StatusCode.IoError, result.Code);
        Assert.Contains("/nowhere/pid", result.Status.Message);
    }
}
