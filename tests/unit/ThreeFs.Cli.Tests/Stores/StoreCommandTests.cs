using System.Text;
using ThreeFs.Cli.Commands;
using ThreeFs.Kv;
using ThreeFs.Kv.Lmdb;

namespace ThreeFs.Cli.Tests.Stores;

/// <summary>`kv copy`, `meta dump` and `meta load` on embedded stores.</summary>
public sealed class StoreCommandTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("threefs-stores-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_store_goes_through_copy_dump_and_load()
    {
        await MakeAsync("a", "value");
        Assert.Equal(0, await RunAsync($"kv copy {Uri("a")} {Uri("b")}"));
        Assert.Equal("value", await ReadAsync("b"));
        Assert.Equal(0, await RunAsync($"meta dump {_directory}/dump --kv {Uri("b")}"));
        Assert.Equal(["dump"], Directory.GetFiles(_directory).Select(Path.GetFileName));
        Assert.Equal(0, await RunAsync($"meta load {_directory}/dump --kv {Uri("c")}"));
        Assert.Equal("value", await ReadAsync("c"));

        // Neither is filled or written over.
        Assert.Equal(2, await RunAsync($"kv copy {Uri("a")} {Uri("c")}"));
        Assert.Equal(2, await RunAsync($"meta load {_directory}/dump --kv {Uri("c")}"));
        Assert.Equal(2, await RunAsync($"meta dump {_directory}/dump --kv {Uri("c")}"));
    }

    [Fact]
    public async Task A_source_that_is_not_there_is_not_made()
    {
        Assert.Equal(2, await RunAsync($"kv copy {Uri("nowhere")} {Uri("b")}"));
        Assert.Equal(2, await RunAsync($"meta dump {_directory}/dump --kv {Uri("nowhere")}"));
        Assert.Empty(Directory.GetFileSystemEntries(_directory));
    }

    [Theory]
    [InlineData("kv copy redis:/x lmdb:/y")]
    [InlineData("kv copy fdb:/nowhere/fdb.cluster lmdb:/y")]
    [InlineData("meta load /dev/null --kv redis:/x")]
    public async Task A_store_that_cannot_be_opened_is_refused(string line) => Assert.Equal(2, await RunAsync(line));

    private static Task<int> RunAsync(string line) => Root.Create().Parse(line.Split(' ')).InvokeAsync();

    private string Uri(string name) => $"lmdb:{_directory}/{name}";

    private LmdbKvEngine Open(string name) =>
        LmdbKvEngine.Open(new() { Path = $"{_directory}/{name}" }, TimeProvider.System).Value;

    private async Task MakeAsync(string name, string value)
    {
        await using var engine = Open(name);
        using var transaction = engine.BeginTransaction();
        transaction.Set("key"u8, Encoding.ASCII.GetBytes(value));
        Assert.True((await transaction.CommitAsync()).IsOk);
    }

    private async Task<string> ReadAsync(string name)
    {
        await using var engine = Open(name);
        using var transaction = engine.BeginReadOnly();
        return Encoding.ASCII.GetString((await transaction.GetAsync("key"u8)).Value.Span);
    }
}
