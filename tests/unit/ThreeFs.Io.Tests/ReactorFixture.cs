using ThreeFs.Base.Memory;

namespace ThreeFs.Io.Tests;

/// <summary>A reactor, a buffer pool and a directory for one test; the end checks that nothing was left behind.</summary>
public sealed class ReactorFixture : IAsyncDisposable
{
    public Reactor Reactor { get; } = Reactor.Start("test").Value;

    public BufferPool Pool { get; } = new(256 << 20);

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("threefs-io-").FullName;

    public string PathOf(string name) => Path.Combine(Directory, name);

    public async ValueTask DisposeAsync()
    {
        await Reactor.DisposeAsync();
        Assert.Equal(0, Pool.Outstanding);
        Pool.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
