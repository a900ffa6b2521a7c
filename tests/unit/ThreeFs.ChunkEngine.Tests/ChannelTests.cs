using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Channels;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>What a target remembers of its clients' channels, through deaths of process and machine.</summary>
public sealed class ChannelTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_update_is_recognised_after_a_restart_although_another_one_followed(bool isFolded)
    {
        var rig = Rig.Create();
        var (mine, first) = WriteAs(rig, 1);
        var (theirs, second) = WriteAs(rig, 2);
        rig.Run(isFolded ? rig.Store.FoldAsync() : rig.Store.MaintainAsync()); // the last commit is in the index
        rig.Crash(losesPower: false);
        AssertKnown(rig, mine, first);
        AssertKnown(rig, theirs, second);
        Assert.Equal(2, rig.Store.Channels.Count);
    }

    [Fact]
    public void Of_a_folded_update_the_channel_survives_the_loss_of_power()
    {
        var rig = Rig.Create();
        var (mine, first) = WriteAs(rig, 1);
        WriteAs(rig, 2);
        rig.Run(rig.Store.FoldAsync());
        rig.Crash(losesPower: true);
        AssertKnown(rig, mine, first);
    }

    [Fact]
    public void An_earlier_update_of_a_channel_is_stale_and_a_later_one_new()
    {
        var rig = Rig.Create();
        var (early, _) = WriteAs(rig, 1);
        var (late, _) = WriteAs(rig, 1);
        Assert.Equal(ChannelVerdict.Stale, rig.Store.Channels.Look(early, Rig.Chunk, out _));
        var next = late with { Sequence = late.Sequence + 1 };
        Assert.Equal(ChannelVerdict.New, rig.Store.Channels.Look(next, Rig.Chunk, out _));
        Assert.Equal(ChannelVerdict.New, rig.Store.Channels.Look(late, Rig.Chunk with { Index = 77 }, out _));
        Assert.Equal(ChannelVerdict.New, rig.Store.Channels.Look(late with { Channel = default }, Rig.Chunk, out _));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void After_a_loss_of_power_no_channel_speaks_of_an_update_that_is_gone(ulong seed)
    {
        var rig = Rig.Create(seed, isStepped: true);
        for (var i = rig.Random.Next(60); i >= 0; i--)
        {
            WriteAs(rig, (ushort)rig.Random.Next(1, 6), rig.Random.Next(100_000), rig.Random.Next(1, 90_000));
            if (rig.Random.NextBool(0.1)) _ = rig.Store.FoldAsync().AsTask();
            for (var steps = rig.Random.Next(4); steps > 0; steps--) rig.Work.Step();
        }

        rig.Crash(losesPower: true);
        var newest = rig.Store.TryGet(Rig.Chunk, out var state) ? state.Committed.Version.Value : 0;
        Assert.All(rig.Store.Channels.ToArray(), c => Assert.InRange(c.Version.Value, 1UL, newest));
        if (newest > 0) Assert.Contains(rig.Store.Channels.ToArray(), c => c.Version.Value == newest);
    }

    [Fact]
    public void Cleared_channels_stay_forgotten()
    {
        var rig = Rig.Create();
        for (ushort i = 1; i < 20; i++) WriteAs(rig, i);
        rig.Run(rig.Store.FoldAsync());
        rig.Crash(losesPower: false);
        Assert.Equal(StatusCode.Ok, rig.Store.ClearChannels());
        rig.Crash(losesPower: false);
        Assert.Equal(0, rig.Store.Channels.Count);
    }

    [Fact]
    public void A_fold_that_runs_meanwhile_brings_nothing_back_that_was_cleared_or_adopted()
    {
        var rig = Rig.Create(isStepped: true);
        var (mine, _) = WriteAs(rig, 1);
        WriteAs(rig, 2);
        var folding = rig.Store.FoldAsync();
        Assert.Equal(StatusCode.Ok, rig.Store.ClearChannels());
        rig.Run(folding);
        rig.Crash(losesPower: false);
        Assert.Equal(0, rig.Store.Channels.Count);

        WriteAs(rig, 1);
        folding = rig.Store.FoldAsync();
        var newer = new ChannelUpdate(mine with { Sequence = 1000 }, Rig.Chunk, new UpdateVersion(9), 1, 1);
        Assert.Equal(StatusCode.Ok, rig.Store.AdoptChannels([newer]));
        rig.Run(folding);
        rig.Crash(losesPower: false);
        Assert.Equal(newer, Assert.Single(rig.Store.Channels.ToArray()));
    }

    [Fact]
    public void Adopted_channels_join_those_that_are_known_and_the_later_update_counts()
    {
        var rig = Rig.Create();
        var (mine, first) = WriteAs(rig, 1);
        var other = mine with { Channel = new ChannelId(9) };
        var adopted = new ChannelUpdate[]
        {
            new(mine with { Sequence = 0 }, Rig.Chunk, new UpdateVersion(77), 1, 1),
            new(other, Rig.Chunk, new UpdateVersion(5), 6, 7),
        };
        Assert.Equal(StatusCode.Ok, rig.Store.AdoptChannels(adopted));
        Assert.Equal(StatusCode.Ok, rig.Run(rig.Store.FlushAsync()));
        rig.Crash(losesPower: true);
        AssertKnown(rig, mine, first);
        Assert.Equal(ChannelVerdict.Repeated, rig.Store.Channels.Look(other, Rig.Chunk, out var known));
        Assert.Equal(adopted[1], known);
    }

    [Fact]
    public void The_table_is_bounded_and_spares_channels_in_use_also_after_a_restart()
    {
        var rig = Rig.Create(options: new ChunkStoreOptions { Channels = 4 });
        var (mine, first) = WriteAs(rig, 1);
        for (ushort i = 2; i < 4; i++) WriteAs(rig, i);
        rig.Run(rig.Store.FoldAsync());
        rig.Crash(losesPower: false);
        WriteAs(rig, 10);
        AssertKnown(rig, mine, first);
        for (ushort i = 11; i < 30; i++) WriteAs(rig, i);
        Assert.Equal(4, rig.Store.Channels.Count);
        Assert.Equal(ChannelVerdict.New, rig.Store.Channels.Look(mine, Rig.Chunk, out _));
    }

    public static TheoryData<ulong> Seeds() => [.. Enumerable.Range(1, 40).Select(i => (ulong)i)];

    private static (UpdateTag Tag, UpdateResult Result) WriteAs(Rig rig, ushort channel, int offset = 0, int length = 5000)
    {
        rig.Channel = channel;
        var result = rig.Write((uint)offset, rig.Bytes(length));
        return (rig.LastTag, result);
    }

    private static void AssertKnown(Rig rig, UpdateTag tag, UpdateResult answered)
    {
        Assert.Equal(ChannelVerdict.Repeated, rig.Store.Channels.Look(tag, Rig.Chunk, out var known));
        Assert.Equal(answered, known.ToResult(answered.ChainVersion));
    }
}
