using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;

namespace ThreeFs.Hosting.Tests;

public sealed class KvStoresTests
{
    private readonly HostServices _host = new("test", NullLoggerFactory.Instance, TimeProvider.System, 1);

    [Theory]
    [InlineData("redis:/x", "is not a store of a known kind; use \"lmdb:/path/to/directory\" or \"fdb:/path/to/fdb.cluster\"")]
    [InlineData("fdb:", "expected fdb:/path/to/fdb.cluster")]
    [InlineData("fdb:/x?speed=high", "\"speed=high\" is not an option")]
    [InlineData("fdb:/nowhere/fdb.cluster", "the FoundationDB cluster file /nowhere/fdb.cluster does not exist")]
    [InlineData("lmdb:", "expected lmdb:/path/to/directory")]
    public async Task A_store_that_cannot_be_opened_is_named(string uri, string why)
    {
        var opened = await KvStores.OpenAsync(uri, "cluster", _host, default);
        Assert.Equal(StatusCode.InvalidArgument, opened.Code);
        Assert.StartsWith($"kv = \"{uri}\"", opened.Status.Message);
        Assert.Contains(why, opened.Status.Message);
    }

    [Fact]
    public void Paths_become_absolute_and_options_stay()
    {
        var here = Directory.GetCurrentDirectory();
        Assert.Equal($"fdb:{here}/fdb.cluster?timeout=3s", KvStores.MakeAbsolute("fdb:fdb.cluster?timeout=3s").Value);
        Assert.Equal($"lmdb:{here}/kv", KvStores.MakeAbsolute("lmdb:kv").Value);
        Assert.Equal("fdb:/etc/fdb.cluster", KvStores.MakeAbsolute("fdb:/etc/fdb.cluster").Value);
        Assert.Equal(StatusCode.InvalidArgument, KvStores.MakeAbsolute("fdb:x?y").Code);
        Assert.Equal(StatusCode.InvalidArgument, KvStores.MakeAbsolute("/etc/fdb.cluster").Code);
    }
}
