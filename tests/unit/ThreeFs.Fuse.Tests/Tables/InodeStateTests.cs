using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Tests.Tables;

/// <summary>The size that applications see, against answers that arrive late.</summary>
public sealed class InodeStateTests
{
    private static readonly MetaContext _user = new(UserInfo.Root, default, default);

    private readonly FakeTimeProvider _time = new();
    private readonly InodeState _state;

    public InodeStateTests() => _state = new InodeState(Attr(length: 100), Tick(), _time);

    [Fact]
    public void A_write_shows_before_it_is_reported_and_after()
    {
        Write(500);
        Assert.Equal(500, _state.Attr.Length);
        Assert.Equal(new FileTime(77), _state.Attr.ModifyTime);
        var hint = _state.Hint(out var mark, out _);
        Assert.Equal(500, hint.WrittenEnd);
        _state.Reported(Attr(length: 500), Tick(), mark, isDurable: false);
        Assert.False(_state.IsDirty);
        Assert.Equal(500, _state.Length);
    }

    [Fact]
    public void An_old_answer_does_not_shorten_the_file()
    {
        var asked = Tick();
        Write(500);
        _state.Hint(out var mark, out _);
        _state.Reported(Attr(length: 500), Tick(), mark, isDurable: false);
        _state.Merge(Attr(length: 100), asked);
        Assert.Equal(500, _state.Length);
    }

    [Fact]
    public void A_truncation_shortens_the_file_and_answers_from_before_it_do_not_undo_that()
    {
        Write(500);
        var asked = Tick();
        _state.Truncated(Attr(length: 10, version: 1, changed: 5), Tick(), _state.WriteMark);
        _state.Merge(Attr(length: 500), asked);
        Assert.Equal(10, _state.Length);
        Assert.Equal(1u, _state.TruncateVersion.Value);
        Assert.False(_state.IsDirty);
        _state.Merge(Attr(length: 3, version: 2, changed: 6), Tick());
        Assert.Equal(3, _state.Length);
    }

    [Fact]
    public void Writes_during_a_report_stay_to_be_reported()
    {
        Write(500);
        _state.Hint(out var mark, out _);
        Write(600);
        _state.Reported(Attr(length: 500), Tick(), mark, isDurable: false);
        Assert.Equal(600, _state.Hint(out _, out _).WrittenEnd);
        Assert.Equal(600, _state.Length);
    }

    [Fact]
    public void A_write_begun_before_a_truncation_is_reported_under_the_old_version()
    {
        var under = _state.TruncateVersion;
        _state.Merge(Attr(length: 10, version: 1, changed: 5), Tick());
        _state.Written(50, under, new FileTime(77), _user);
        Assert.Equal(0u, _state.Hint(out _, out _).TruncateVersion.Value);
    }

    [Fact]
    public void After_a_failed_write_storage_is_asked()
    {
        _state.WriteFailed(new FileTime(77), _user);
        var hint = _state.Hint(out var mark, out _);
        Assert.True(hint.Exact);
        Assert.Equal(-1, hint.WrittenEnd);
        _state.Reported(Attr(length: 100), Tick(), mark, isDurable: false);
        Assert.Equal(LengthHint.Nothing, _state.Hint(out _, out _));
    }

    [Fact]
    public void An_answer_asked_for_before_a_newer_one_came_is_ignored_when_it_is_older()
    {
        var asked = Tick();
        _state.Merge(Attr(length: 100, changed: 9, mode: 0x1FF), Tick());
        _state.Merge(Attr(length: 100, changed: 2, mode: 0), asked);
        Assert.Equal(0x1FFu, _state.Mode);
        _state.Merge(Attr(length: 100, changed: 2, mode: 1), Tick());
        Assert.Equal(1u, _state.Mode);
    }

    [Fact]
    public void A_length_is_durable_until_the_file_grows_or_is_cut()
    {
        Write(500);
        Assert.False(_state.IsLengthDurable);
        Report(500, isDurable: false);
        Assert.False(_state.IsLengthDurable);
        Report(500, isDurable: true);
        Assert.True(_state.IsLengthDurable);
        Write(400);
        Assert.True(_state.IsLengthDurable);
        Write(501);
        Assert.False(_state.IsLengthDurable);
        Report(501, isDurable: true);
        _state.WriteFailed(new FileTime(77), _user);
        Assert.False(_state.IsLengthDurable);
        Report(501, isDurable: true);
        _state.Truncated(Attr(length: 501, version: 0, changed: 5), Tick(), _state.WriteMark);
        Assert.False(_state.IsLengthDurable);
    }

    [Fact]
    public void A_write_beside_a_truncation_stays_to_be_reported_and_has_storage_asked()
    {
        var mark = _state.WriteMark;
        var asked = Tick();
        Write(500);
        _state.Truncated(Attr(length: 0, version: 1, changed: 5), asked, mark);
        Assert.True(_state.Hint(out _, out _).Exact);
        Assert.Equal(500, _state.Length);
        Report(500, isDurable: false, version: 1);
        Assert.Equal(500, _state.Length);
        Assert.False(_state.IsDirty);
    }

    [Fact]
    public void A_report_that_overtakes_the_answer_of_a_truncation_is_not_undone_by_it()
    {
        var mark = _state.WriteMark;
        var asked = Tick();
        Write(500);
        Report(500, isDurable: false, version: 1);
        _state.Truncated(Attr(length: 0, version: 1, changed: 5), asked, mark);
        Assert.Equal(500, _state.Length);
        Assert.False(_state.IsDirty);
    }

    [Fact]
    public void A_write_is_later_than_every_change_that_is_known()
    {
        _state.Merge(Attr(length: 100, changed: 1000), Tick());
        Write(50);
        Assert.Equal(new FileTime(1001), _state.Hint(out _, out _).ModifyTime);
    }

    [Fact]
    public void The_cache_is_dropped_when_the_data_are_others_though_times_and_length_are_the_same()
    {
        Assert.False(_state.MayKeepCache());
        _state.Merge(Attr(length: 100) with { DataVersion = 1 }, Tick());
        Assert.False(_state.MayKeepCache());
        _state.Merge(Attr(length: 100, changed: 8, mode: 0x180) with { DataVersion = 1 }, Tick());
        Assert.True(_state.MayKeepCache());
    }

    [Fact]
    public void The_cache_is_kept_while_data_version_and_length_stay()
    {
        Assert.False(_state.MayKeepCache());
        Assert.True(_state.MayKeepCache());
        _state.Merge(Attr(length: 101, changed: 2), Tick());
        Assert.False(_state.MayKeepCache());
        Assert.True(_state.MayKeepCache());
    }

    private void Write(long end) => _state.Written(end, _state.TruncateVersion, new FileTime(77), _user);

    private void Report(long length, bool isDurable, uint version = 0)
    {
        _state.Hint(out var mark, out _);
        _state.Reported(Attr(length, version), Tick(), mark, isDurable);
    }

    private long Tick()
    {
        _time.Advance(TimeSpan.FromMilliseconds(1));
        return _time.GetTimestamp();
    }

    private static InodeAttr Attr(long length, uint version = 0, long changed = 1, uint mode = 0x1A4) => new(
        new InodeId(0x1000), InodeType.File, mode, 0, 0, 1, length, default, new FileTime(1), new FileTime(changed),
        new TruncateVersion(version), 0, null, default, default, InodeFlags.None);
}
