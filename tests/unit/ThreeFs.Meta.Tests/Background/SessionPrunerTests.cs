using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Meta.Background;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Background;

public sealed class SessionPrunerTests
{
    [Fact]
    public async Task A_dead_writers_bytes_count_and_its_session_ends()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.OpenWriterAsync(InodeId.Root, "f", fs.NewSession());
        fs.Chunks.Write(file.Id, 4321);
        Assert.Equal(0, (await fs.B.Sessions.RunRoundAsync(Alive(false), default)).Value);
        fs.Time.Advance(SessionPruner.Grace + TimeSpan.FromSeconds(1));
        Assert.Equal(0, (await fs.B.Sessions.RunRoundAsync(Alive(bootstrapping: true), default)).Value);
        Assert.Equal(0, (await fs.B.Sessions.RunRoundAsync(Alive(false, fs.Client), default)).Value);
        Assert.Equal(1, (await fs.B.Sessions.RunRoundAsync(Alive(false, fs.NewClient()), default)).Value);
        Assert.Equal(4321, (await fs.StatAsync(file.Id)).Length);
        Assert.Equal(0, (await fs.B.Sessions.RunRoundAsync(Alive(false), default)).Value);
    }

    [Fact]
    public async Task While_storage_is_away_the_session_stays()
    {
        var fs = await MetaHarness.CreateAsync();
        await fs.OpenWriterAsync(InodeId.Root, "f", fs.NewSession());
        fs.Time.Advance(SessionPruner.Grace + TimeSpan.FromSeconds(1));
        fs.Chunks.Failure = StatusCode.NoServingTarget;
        Assert.Equal(0, (await fs.B.Sessions.RunRoundAsync(Alive(false), default)).Value);
        fs.Chunks.Failure = Status.Ok;
        Assert.Equal(1, (await fs.B.Sessions.RunRoundAsync(Alive(false), default)).Value);
    }

    private static ClientSessions Alive(bool bootstrapping, params ClientId[] clients) =>
        new(bootstrapping, [.. clients.Select(c => new ClientSession(c, "host", "", 1, default, default))]);
}
