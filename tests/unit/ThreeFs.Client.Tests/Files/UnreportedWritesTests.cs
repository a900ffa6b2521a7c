using ThreeFs.Base;
using ThreeFs.Client.Files;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Client.Tests.Files;

public sealed class UnreportedWritesTests
{
    private readonly UnreportedWrites _writes = new();

    [Fact]
    public void The_furthest_end_and_the_oldest_truncation_count()
    {
        Assert.Equal(LengthHint.Nothing, _writes.Hint());
        _writes.Written(500, new TruncateVersion(4), new FileTime(10), default);
        _writes.Written(20, new TruncateVersion(3), new FileTime(11), default);
        Assert.Equal(new LengthHint(500, new TruncateVersion(3), false, new FileTime(11), null), _writes.Hint());
    }

    [Fact]
    public void A_report_settles_what_was_before_it()
    {
        _writes.Written(1, default, default, default);
        var mark = _writes.Mark;
        _writes.Written(2, default, default, default);
        _writes.Reported(mark);
        Assert.Equal(2, _writes.End);
        _writes.Reported(_writes.Mark);
        Assert.False(_writes.Any);
    }

    [Fact]
    public void A_truncation_settles_what_was_before_it_and_makes_the_rest_uncertain()
    {
        _writes.Written(1, default, default, default);
        _writes.Truncated(_writes.Mark);
        Assert.False(_writes.Any);
        var mark = _writes.Mark;
        _writes.Written(2, default, default, default);
        _writes.Truncated(mark);
        Assert.True(_writes.Hint().Exact);
        _writes.Reported(_writes.Mark);
        _writes.Truncated(mark: null);
        Assert.False(_writes.Any);
    }

    [Fact]
    public void A_failure_has_storage_asked_and_times_never_precede_a_known_change()
    {
        _writes.Failed(new FileTime(5), changed: new FileTime(9));
        Assert.Equal(new LengthHint(-1, default, true, new FileTime(10), null), _writes.Hint());
    }
}
