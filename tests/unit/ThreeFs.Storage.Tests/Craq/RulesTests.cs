using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.Craq;

namespace ThreeFs.Storage.Tests.Craq;

public sealed class RulesTests
{
    private static readonly UpdateTag _tag = new(new ClientId(new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)), new ChannelId(1), 5);
    private static readonly UpdateTag _other = _tag with { Sequence = 6 };

    private static ChainPlace Place(int index, params TargetState[] states) => ChainPlace.Of(
        new ChainInfo(new ChainId(1), new ChainVersion(3), [.. states.Select((s, i) => new ChainTarget(new TargetId((ulong)i + 1), s))], []),
        new TargetId((ulong)index + 1));

    private static ReplicaChunk Chunk(ulong committed, ulong pending = 0, UpdateTag tag = default) => new(
        new Content(new UpdateVersion(committed), 10, 7, default, false), new Content(new UpdateVersion(pending), 12, 9, tag, false));

    private static UpdateRequest Request(UpdateKind kind, ulong version) => new(
        new VersionedChain(new ChainId(1), new ChainVersion(3)), default, kind, 0, 10, 100, 0, _tag, new UpdateVersion(version), default);

    [Fact]
    public void A_place_knows_its_neighbours()
    {
        var middle = Place(1, TargetState.Serving, TargetState.Serving, TargetState.Syncing, TargetState.Offline);
        Assert.False(middle.IsHead);
        Assert.True(middle.IsReadTail);
        Assert.True(middle.SuccessorIsSyncing);
        Assert.Equal(new TargetId(1), middle.Predecessor);
        Assert.Null(Place(2, TargetState.Serving, TargetState.Serving, TargetState.Syncing, TargetState.Offline).Successor);
        Assert.False(Place(0, TargetState.LastServing, TargetState.Offline).IsInService);
    }

    [Theory]
    [InlineData(4, 0, false, 5, AdmissionKind.Prepare)]
    [InlineData(4, 5, true, 5, AdmissionKind.Prepare)]
    [InlineData(4, 5, false, 5, AdmissionKind.Refuse)]
    [InlineData(4, 0, false, 4, AdmissionKind.AnswerCommitted)]
    [InlineData(4, 0, false, 6, AdmissionKind.Refuse)]
    public void A_serving_replica_takes_the_next_version_or_a_repetition(
        ulong committed, ulong pending, bool isSame, ulong version, AdmissionKind expected)
    {
        var place = Place(1, TargetState.Serving, TargetState.Serving);
        var chunk = Chunk(committed, pending, isSame ? _tag : _other);
        Assert.Equal(expected, UpdateRules.Admit(place, chunk, Request(UpdateKind.Write, version), UpdateSource.Predecessor).Kind);
    }

    [Fact]
    public void The_head_resolves_another_pending_update_first()
    {
        var place = Place(0, TargetState.Serving, TargetState.Serving);
        var admission = UpdateRules.Admit(place, Chunk(4, 5, _other), Request(UpdateKind.Write, 0), UpdateSource.Client);
        Assert.Equal(AdmissionKind.ResolvePendingFirst, admission.Kind);
    }

    [Theory]
    [InlineData(StatusCode.NoSpace, false, ForwardStep.Discard)]
    [InlineData(StatusCode.NoSpace, true, ForwardStep.Retry)]
    [InlineData(StatusCode.ConnectionLost, false, ForwardStep.Retry)]
    [InlineData(StatusCode.ChainVersionMismatch, false, ForwardStep.Retry)]
    [InlineData(StatusCode.ForwardFailed, false, ForwardStep.Retry)]
    public void Only_a_first_certain_refusal_takes_an_update_back(StatusCode code, bool mayBeKept, ForwardStep expected)
    {
        var pending = new Content(new UpdateVersion(5), 12, 9, _tag, false);
        Assert.Equal(expected, UpdateRules.AfterForward(pending, new UpdateResult(code, default, default, 0, 0, default), mayBeKept));
    }

    [Fact]
    public void Another_content_under_the_same_version_is_noticed()
    {
        var pending = new Content(new UpdateVersion(5), 12, 9, _tag, false);
        var same = new UpdateResult(StatusCode.Ok, new UpdateVersion(5), new CommitVersion(5), 12, 9, default);
        Assert.Equal(ForwardStep.Commit, UpdateRules.AfterForward(pending, same, true));
        Assert.Equal(ForwardStep.Diverged, UpdateRules.AfterForward(pending, same with { Crc = 8 }, true));
    }

    [Fact]
    public void A_reader_of_a_pending_chunk_is_never_shown_a_guess()
    {
        var chunk = Chunk(4, 5, _tag);
        Assert.Equal(ReadStep.AskTail, ReadRules.Decide(Place(0, TargetState.Serving, TargetState.Serving), chunk, ReadFlags.None, false));
        var tail = Place(1, TargetState.Serving, TargetState.Serving);
        Assert.Equal(ReadStep.Committed, ReadRules.Decide(tail, chunk, ReadFlags.None, false));
        Assert.Equal(ReadStep.Wait, ReadRules.Decide(tail, chunk, ReadFlags.None, isInherited: true));
        Assert.Equal(ReadStep.Wait, ReadRules.Decide(Place(0, TargetState.Serving, TargetState.Syncing), chunk, ReadFlags.None, false));
        Assert.Equal(ReadStep.Newest, ReadRules.AfterTail(chunk, chunk, new CommitVersion(5)));
        Assert.Equal(ReadStep.Committed, ReadRules.AfterTail(chunk, chunk, new CommitVersion(4)));
    }

    [Fact]
    public void A_started_target_does_not_vouch_for_its_old_place()
    {
        var serving = TargetStanding.Started.Observe(Place(0, TargetState.Serving, TargetState.Serving));
        Assert.Equal(LocalTargetState.Online, serving.Local);
        var last = serving.Observe(Place(0, TargetState.LastServing, TargetState.Offline));
        Assert.Equal(LocalTargetState.Online, last.Local);
        Assert.Equal(LocalTargetState.UpToDate, last.Observe(Place(0, TargetState.Serving, TargetState.Offline)).Local);
        var synced = TargetStanding.Started.Observe(Place(1, TargetState.Serving, TargetState.Syncing)).SyncDone();
        Assert.Equal(LocalTargetState.UpToDate, synced.Observe(Place(1, TargetState.Serving, TargetState.Serving)).Local);
        Assert.Equal(LocalTargetState.Online, synced.Observe(Place(1, TargetState.Serving, TargetState.Waiting)).Local);
    }

    [Fact]
    public void A_target_that_stepped_down_vouches_again_only_as_the_last_one_or_after_a_resync()
    {
        var serving = TargetStanding.Started.Observe(Place(0, TargetState.LastServing, TargetState.Offline))
            .Observe(Place(0, TargetState.Serving, TargetState.Serving));
        Assert.Equal(LocalTargetState.UpToDate, serving.Local);
        var down = serving.StepDown();
        Assert.Equal((LocalTargetState.Online, serving.Acted), (down.Local, down.Acted));
        Assert.Equal(LocalTargetState.Online, down.Observe(Place(0, TargetState.Serving, TargetState.Serving)).Local);
        Assert.Equal(LocalTargetState.Online, down.Observe(Place(1, TargetState.Serving, TargetState.Syncing)).Local);
        Assert.Equal(LocalTargetState.UpToDate, down.Observe(Place(1, TargetState.Serving, TargetState.Syncing)).SyncDone().Local);
        var last = down.Observe(Place(0, TargetState.LastServing, TargetState.Offline));
        Assert.True(last.BecomesAuthority(Place(0, TargetState.Serving, TargetState.Offline)));
        Assert.Equal(LocalTargetState.UpToDate, last.Observe(Place(0, TargetState.Serving, TargetState.Offline)).Local);

        // Who does not serve, or failed, has nothing to step down from.
        var synced = TargetStanding.Started.Observe(Place(1, TargetState.Serving, TargetState.Syncing)).SyncDone();
        Assert.Equal(synced, synced.StepDown());
        Assert.Equal(serving.Fail(), serving.Fail().StepDown());
    }

    [Theory]
    [InlineData(0, true, TargetState.Serving, TargetState.Serving)]
    [InlineData(1, true, TargetState.Serving, TargetState.Serving)]
    [InlineData(0, false, TargetState.Serving, TargetState.Syncing)]
    [InlineData(1, false, TargetState.Serving, TargetState.Syncing)]
    [InlineData(0, false, TargetState.Serving)]
    [InlineData(0, false, TargetState.Serving, TargetState.Waiting, TargetState.Offline)]
    [InlineData(0, false, TargetState.LastServing, TargetState.Offline)]
    public void Only_who_is_not_alone_has_a_serving_peer(int position, bool hasPeer, params TargetState[] states) =>
        Assert.Equal(hasPeer, Place(position, states).HasServingPeer);
}
