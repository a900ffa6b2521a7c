using ThreeFs.Base;
using ThreeFs.Client.Files;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Client.Tests.Files;

public sealed class SyncStateTests
{
    private static readonly FileTime _noon = new(43_200_000_000_000);

    [Fact]
    public void Written_end_is_reported_until_the_report_was_taken()
    {
        var state = new SyncState(FileContentTests.File(1, length: 100));
        Assert.True(state.Begin(false).IsEmpty);
        state.Written(50, state.Version, _noon);
        state.Written(300, state.Version, _noon);
        state.Written(200, state.Version, _noon);
        Assert.Equal(300, state.Length);
        var point = state.Begin(false);
        Assert.Equal(new LengthHint(300, default, false, _noon, null), point.Hint);
        state.End(point, FileContentTests.File(1, length: 300), durable: false);
        Assert.False(state.IsDirty);
        Assert.True(state.IsReportedWithoutFlush);
        Assert.True(state.Begin(false).IsEmpty);
    }

    /// <summary>Found by simulation: the answer of a question asked before another client's truncation.</summary>
    [Fact]
    public void Late_answer_from_before_a_truncation_does_not_hide_own_writes()
    {
        var state = new SyncState(FileContentTests.File(1));
        state.Written(100, state.Version, _noon);
        state.Learn(FileContentTests.File(1) with { TruncateVersion = new TruncateVersion(1) });
        Assert.Equal(100, state.Overlay(FileContentTests.File(1)).Length);
    }

    [Fact]
    public void Write_beside_a_report_remains_to_be_reported()
    {
        var state = new SyncState(FileContentTests.File(1));
        state.Written(10, state.Version, _noon);
        var point = state.Begin(false);
        state.Written(20, state.Version, _noon);
        state.End(point, FileContentTests.File(1, length: 10), durable: true);
        Assert.True(state.IsDirty);
        Assert.Equal(20, state.Length);
    }

    [Fact]
    public void Old_attributes_do_not_take_back_a_length()
    {
        var state = new SyncState(FileContentTests.File(1));
        state.Written(500, state.Version, _noon);
        state.Learn(FileContentTests.File(1, length: 100));
        Assert.Equal(500, state.Length);
        state.Learn(FileContentTests.File(1, length: 800));
        Assert.Equal(800, state.Length);
    }

    [Fact]
    public void Truncation_by_another_client_counts_and_has_storage_asked_for_writes_beside_it()
    {
        var state = new SyncState(FileContentTests.File(1, length: 100, truncateVersion: 3));
        state.Written(500, state.Version, _noon);
        state.Learn(FileContentTests.File(1, length: 7, truncateVersion: 4));
        Assert.True(state.IsUnsettled);
        Assert.Equal(500, state.Length);
        var point = state.Begin(false);
        Assert.Equal((new TruncateVersion(3), true), (point.Hint.TruncateVersion, point.Hint.Exact));
        state.End(point, FileContentTests.File(1, length: 7, truncateVersion: 4), durable: false);
        Assert.False(state.IsUnsettled || state.IsDirty);
        Assert.Equal(7, state.Length);
        state.Learn(FileContentTests.File(1, length: 500, truncateVersion: 3));
        Assert.Equal(7, state.Length);
    }

    [Fact]
    public void Own_write_behind_another_clients_truncation_stays_visible()
    {
        var state = new SyncState(FileContentTests.File(1, length: 100, truncateVersion: 3));
        state.Written(60, state.Version, _noon);
        state.Learn(FileContentTests.File(1, length: 7, truncateVersion: 4));
        var point = state.Begin(false);
        state.Written(50, state.Version, _noon);
        state.End(point, FileContentTests.File(1, length: 20, truncateVersion: 4), durable: false);
        Assert.True(state.Length >= 50);
        state.End(state.Begin(false), FileContentTests.File(1, length: 50, truncateVersion: 4), durable: false);
        Assert.False(state.IsUnsettled || state.IsDirty);
        Assert.Equal(50, state.Length);
    }

    [Fact]
    public void Truncation_that_comes_during_a_report_leaves_the_writes_beside_it_to_the_next_one()
    {
        var state = new SyncState(FileContentTests.File(1, length: 100, truncateVersion: 3));
        state.Written(400, state.Version, _noon);
        var early = state.Begin(false);
        state.Learn(FileContentTests.File(1, length: 7, truncateVersion: 4));
        state.End(early, FileContentTests.File(1, length: 400, truncateVersion: 3), durable: false);
        Assert.True(state.IsUnsettled);
        var beside = state.Begin(false);
        Assert.True(beside.Hint.Exact);
        state.Written(300, state.Version, _noon);
        state.Learn(FileContentTests.File(1, length: 5, truncateVersion: 5));
        state.End(beside, FileContentTests.File(1, length: 5, truncateVersion: 5), durable: false);
        Assert.True(state.IsUnsettled);
        Assert.Equal(400, state.Length);
        var last = state.Begin(false);
        Assert.True(last.Hint.Exact);
        state.End(last, FileContentTests.File(1, length: 5, truncateVersion: 5), durable: false);
        Assert.False(state.IsUnsettled);
        Assert.Equal(5, state.Length);
    }

    [Fact]
    public void Own_truncation_settles_what_was_written_before()
    {
        var state = new SyncState(FileContentTests.File(1));
        state.Written(500, state.Version, _noon);
        state.Truncated(FileContentTests.File(1, length: 7, truncateVersion: 1));
        Assert.Equal(7, state.Length);
        Assert.False(state.IsDirty);
        state.Written(9, state.Version, _noon);
        Assert.Equal(new LengthHint(9, new TruncateVersion(1), false, _noon, null), state.Begin(false).Hint);
    }

    [Fact]
    public void Failed_write_has_storage_asked()
    {
        var state = new SyncState(FileContentTests.File(1));
        state.WriteFailed(_noon);
        Assert.True(state.Begin(false).Hint.Exact);
    }

    [Fact]
    public void A_write_begun_before_a_truncation_by_others_is_reported_under_the_old_version()
    {
        var state = new SyncState(FileContentTests.File(1, length: 100, truncateVersion: 3));
        var under = state.Version;
        state.Learn(FileContentTests.File(1, length: 7, truncateVersion: 4));
        state.Written(500, under, _noon);
        Assert.Equal(new TruncateVersion(3), state.Begin(false).Hint.TruncateVersion);
    }

    [Fact]
    public void A_write_is_later_than_every_change_that_is_known()
    {
        var changed = new FileTime(_noon.Nanoseconds + 5);
        var state = new SyncState(FileContentTests.File(1));
        state.Learn(FileContentTests.File(1) with { ChangeTime = changed });
        state.Written(1, state.Version, _noon);
        Assert.True(state.Begin(false).Hint.ModifyTime!.Value.CompareTo(changed) > 0);
    }
}
