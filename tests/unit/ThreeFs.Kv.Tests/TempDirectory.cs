namespace ThreeFs.Kv.Tests;

/// <summary>A directory of one test's own.</summary>
internal sealed class TempDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("threefs-kv-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
