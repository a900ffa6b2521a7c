using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Client.Tests.Testing;

namespace ThreeFs.Client.Tests;

public sealed class ThreeFsClientTests
{
    [Fact]
    public async Task Wrong_option_is_named()
    {
        var none =
            await ThreeFsClient.ConnectAsync(new ClientOptions { Mgmtd = [] }, new StubTransport(),
                new FakeTimeProvider(), new SeededRandom(1));
        Assert.Equal(StatusCode.InvalidArgument, none.Code);
        var options = new ClientOptions { Mgmtd = ["localhost:1"], Storage = new() { Channels = 70000 } };
        var channels =
            await ThreeFsClient.ConnectAsync(options, new StubTransport(), new FakeTimeProvider(), new SeededRandom(1));
        Assert.Contains("storage.channels", channels.Status.Message);
    }

    [Fact]
    public async Task Nobody_there_is_said_with_the_addresses_asked()
    {
        var time = new FakeTimeProvider();
        var connecting = ThreeFsClient.ConnectAsync(
            new ClientOptions { Mgmtd = ["127.0.0.1:1"] }, new StubTransport(), time, new SeededRandom(1));
        time.Advance(TimeSpan.FromSeconds(31));
        var result = await connecting;
        Assert.Equal(StatusCode.RoutingNotReady, result.Code);
        Assert.Contains("127.0.0.1:1", result.Status.Message);
    }
}
