using ThreeFs.Base;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Tests.Tables;

public sealed class LockWaitsTests
{
    private readonly LockWaits _waits = new();

    [Fact]
    public void A_ring_is_refused_wherever_it_would_close()
    {
        Assert.True(_waits.TryWait(1, waiter: 10, blocker: 20));
        Assert.True(_waits.TryWait(2, waiter: 20, blocker: 30));
        Assert.False(_waits.TryWait(3, waiter: 30, blocker: 10));
        Assert.False(_waits.TryWait(4, waiter: 30, blocker: 30));
        Assert.True(_waits.TryWait(5, waiter: 40, blocker: 10));
    }

    [Fact]
    public void A_wait_that_ended_or_changed_blocks_no_longer()
    {
        Assert.True(_waits.TryWait(1, waiter: 10, blocker: 20));
        _waits.Done(1);
        Assert.True(_waits.TryWait(2, waiter: 20, blocker: 10));
        Assert.True(_waits.TryWait(2, waiter: 20, blocker: 30));
        Assert.True(_waits.TryWait(3, waiter: 10, blocker: 20));
        _waits.Done(2);
        _waits.Done(3);
        Assert.Equal(0, _waits.Count);
    }

    [Fact]
    public void An_owner_that_waits_in_two_threads_is_found_through_both()
    {
        Assert.True(_waits.TryWait(1, waiter: 10, blocker: 20));
        Assert.True(_waits.TryWait(2, waiter: 10, blocker: 30));
        Assert.False(_waits.TryWait(3, waiter: 20, blocker: 10));
        Assert.False(_waits.TryWait(4, waiter: 30, blocker: 10));
    }

    /// <summary>Whatever is granted, no ring ever exists; and what is refused would have closed one.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void No_ring_ever_exists(ulong seed)
    {
        var random = new SeededRandom(seed);
        var edges = new Dictionary<ulong, (ulong From, ulong To)>();
        for (var step = 0; step < 20_000; step++)
        {
            var ticket = random.NextBelow(12);
            if (random.NextBool(0.3))
            {
                _waits.Done(ticket);
                edges.Remove(ticket);
                continue;
            }

            var (from, to) = (random.NextBelow(8), random.NextBelow(8));
            edges.Remove(ticket);
            var closes = Reachable(edges.Values, to).Contains(from);
            Assert.Equal(!closes, _waits.TryWait(ticket, from, to));
            if (!closes) edges.Add(ticket, (from, to));
        }
    }

    private static HashSet<ulong> Reachable(IReadOnlyCollection<(ulong From, ulong To)> edges, ulong start)
    {
        HashSet<ulong> seen = [start];
        while (edges.Where(e => seen.Contains(e.From)).Select(e => e.To).FirstOrDefault(t => !seen.Contains(t), ulong.MaxValue)
            is var next and not ulong.MaxValue)
            seen.Add(next);
        return seen;
    }
}
