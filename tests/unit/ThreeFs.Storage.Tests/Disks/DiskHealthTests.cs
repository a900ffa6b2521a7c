using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Storage.Server.Disks;

namespace ThreeFs.Storage.Tests.Disks;

public sealed class DiskHealthTests
{
    private static readonly TimeSpan _hungAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _slowAfter = TimeSpan.FromSeconds(5);
    private readonly FakeTimeProvider _time = new();
    private readonly DiskHealth _health;

    public DiskHealthTests() => _health = new DiskHealth(_time, _hungAfter, _slowAfter);

    private void Probe(TimeSpan takes, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            _health.ProbeStarted();
            _time.Advance(takes);
            _health.ProbeEnded(Status.Ok);
        }
    }

    [Fact]
    public void Quick_probes_and_a_few_slow_ones_are_good()
    {
        Probe(TimeSpan.FromMilliseconds(1), 30);
        Probe(TimeSpan.FromSeconds(20), 10);
        Assert.Equal(DiskState.Good, _health.Judge().State);
    }

    [Fact]
    public void Probe_without_an_end_is_hung_until_enough_good_ones_followed()
    {
        _health.ProbeStarted();
        _time.Advance(_hungAfter);
        Assert.Equal(DiskState.Good, _health.Judge().State);
        _time.Advance(TimeSpan.FromSeconds(1));
        var verdict = _health.Judge();
        Assert.Equal(DiskState.Hung, verdict.State);
        Assert.Contains("more than 30 s", verdict.Reason);
        _health.ProbeEnded(Status.Ok);
        Probe(TimeSpan.FromMilliseconds(1), DiskHealth.GoodProbes - 1);
        Assert.Equal(DiskState.Hung, _health.Judge().State);
        Probe(TimeSpan.FromMilliseconds(1));
        Assert.Equal(DiskState.Good, _health.Judge().State);
    }

    [Fact]
    public void Mostly_slow_probes_are_slow_until_enough_good_ones_followed()
    {
        Probe(TimeSpan.FromSeconds(6), 20);
        Assert.Equal(DiskState.Slow, _health.Judge().State);
        Probe(TimeSpan.FromMilliseconds(1), DiskHealth.GoodProbes);
        Assert.Equal(DiskState.Good, _health.Judge().State);
    }

    [Fact]
    public void Failed_probe_is_final()
    {
        _health.ProbeStarted();
        _health.ProbeEnded(new Status(StatusCode.IoError, "write and flush /data/probe: read-only file system"));
        Assert.Equal(DiskState.Failing, _health.Judge().State);
        Probe(TimeSpan.FromMilliseconds(1), 100);
        Assert.Contains("read-only", _health.Judge().Reason);
    }

    [Fact]
    public void Reads_that_fail_often_within_a_short_time_are_failing()
    {
        for (var i = 0; i < 100; i++)
        {
            _health.ReadFailed();
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(DiskState.Good, _health.Judge().State);
        for (var i = 0; i < DiskHealth.TooManyReadErrors; i++) _health.ReadFailed();
        Assert.Equal(DiskState.Failing, _health.Judge().State);
    }
}
