namespace ThreeFs.Kv.Tests;

/// <summary>
/// A directory of one test's own, in memory where the machine offers that: most tests are not about the disk.
/// </summary>
internal sealed class TempDirectory : IDisposable
{
    private const string Memory = "/dev/shm";

    public string Path { get; } = Directory.CreateDirectory(
        System.IO.Path.Combine(
            Directory.Exists(Memory) ? Memory : System.IO.Path.GetTempPath(),
            $"threefs-kv-{Environment.ProcessId}-{Guid.NewGuid():n}")).FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
