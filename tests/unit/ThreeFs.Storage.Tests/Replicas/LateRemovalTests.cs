using ThreeFs.Base;

namespace ThreeFs.Storage.Tests.Replicas;

/// <summary>A removal that was answered, repeated by the client, and delivered once more long after.</summary>
public sealed class LateRemovalTests
{
    [Fact]
    public void Copy_of_a_removal_does_not_remove_what_was_written_since()
    {
        var pair = new ReplicaPair();
        Assert.Equal(StatusCode.Ok, pair.Write(1, ReplicaPair.Bytes(1000, 1)));
        Assert.Equal(StatusCode.Ok, pair.Remove(1));
        var removal = pair.Sequence;
        Assert.Equal(StatusCode.Ok, pair.Remove(1, removal)); // repeated at once: the same answer
        Assert.Equal(StatusCode.Ok, pair.Write(1, ReplicaPair.Bytes(2000, 2)));
        Assert.Equal(StatusCode.ChannelSequenceStale, pair.Remove(1, removal));
        Assert.Equal(ReplicaPair.Bytes(2000, 2), pair.Read(pair.Tail, 1, 2000).Bytes);
    }

    [Fact]
    public void Removal_of_nothing_is_remembered_too()
    {
        var pair = new ReplicaPair();
        Assert.Equal(StatusCode.Ok, pair.Remove(1));
        var removal = pair.Sequence;
        Assert.Equal(StatusCode.Ok, pair.Write(1, ReplicaPair.Bytes(2000, 2), channel: 2));
        Assert.Equal(StatusCode.Ok, pair.Remove(1, removal)); // answered as before
        Assert.Equal(ReplicaPair.Bytes(2000, 2), pair.Read(pair.Head, 1, 2000).Bytes);
    }
}
