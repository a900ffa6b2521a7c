using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;
using static ThreeFs.Contracts.Routing.TargetState;
using static ThreeFs.Mgmtd.Chains.TargetView;

namespace ThreeFs.Mgmtd.Tests.Chains;

public sealed class ChainTransitionTests
{
    private static readonly TargetState[] _states = Enum.GetValues<TargetState>();
    private static readonly TargetView[] _views = Enum.GetValues<TargetView>();

    [Theory]
    [InlineData(1, 2, 12)]
    [InlineData(2, 6, 216)]
    [InlineData(3, 12, 2592)]
    [InlineData(4, 20, 25920)]
    public void Every_legal_chain_with_every_view_obeys_the_rules(int length, int chains, int combinations)
    {
        var (seenChains, seen) = (0, 0);
        foreach (var chain in LegalChains(length))
        {
            seenChains++;
            foreach (var views in Combinations(_views, length))
            {
                seen++;
                var decision = ChainTransition.Next(chain, views);
                var broken = ChainChecker.Broken(chain, views, decision.Chain);
                Assert.True(broken is null, $"{Print(chain, views)} → {Print(decision.Chain)}: {broken}");
                Assert.Equal(decision.Changed, decision.Chain.Version != chain.Version);
                Assert.Equal(decision.Changed, !ReferenceEquals(decision.Chain, chain));
            }
        }

        Assert.Equal((chains, combinations), (seenChains, seen));
    }

    /// <summary>With every set of targets that the chain wants.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Who_is_leaving_obeys_the_rules_too_and_never_syncs(int length)
    {
        foreach (var all in LegalChains(length))
        foreach (var wanted in Subsets(all).Where(w => w.Length < length))
        foreach (var views in Combinations(_views, length))
        {
            var chain = all with { PreferredOrder = wanted };
            var next = ChainTransition.Next(chain, views).Chain;
            var broken = ChainChecker.Broken(chain, views, next);
            Assert.True(broken is null, $"{Print(chain, views)} → {Print(next)}: {broken}");
            Assert.Equal(wanted, next.PreferredOrder.AsEnumerable());
            Assert.DoesNotContain(next.Targets, t => t.State == Syncing && chain.IsLeaving(t.Id));

            // Leaving decides about turns alone: who serves and who is waited for stays the same.
            var otherwise = ChainTransition.Next(all, views).Chain;
            Assert.Equal(Authorities(otherwise), Authorities(next));
        }
    }

    private static TargetId[] Authorities(ChainInfo chain) =>
        [.. chain.Targets.Where(t => t.State is Serving or LastServing).Select(t => t.Id)];

    /// <summary>Not empty ones: an empty preferred order is no wish.</summary>
    internal static IEnumerable<ImmutableArray<TargetId>> Subsets(ChainInfo chain) =>
        Enumerable.Range(1, (1 << chain.Targets.Length) - 1)
            .Select(bits => chain.Targets.Where((_, i) => (bits >> i & 1) != 0).Select(t => t.Id).ToImmutableArray());

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_same_views_seen_again_reach_a_rest(int length)
    {
        foreach (var chain in LegalChains(length))
        {
            foreach (var views in Combinations(_views, length))
            {
                var known = chain.Targets.Select((t, i) => (t.Id, View: views[i])).ToDictionary();
                var at = chain;
                var steps = 0;
                while (true)
                {
                    var decision = ChainTransition.Next(at, [.. at.Targets.Select(t => known[t.Id])]);
                    if (!decision.Changed) break;
                    at = decision.Chain;

                    // What was said about an older version says nothing about the new one.
                    foreach (var id in known.Keys.ToArray())
                    {
                        if (known[id] is Online or UpToDate) known[id] = Behind;
                    }

                    Assert.True(++steps <= 2, $"{Print(chain, views)} does not come to rest: {Print(at)}");
                }
            }
        }
    }

    /// <summary>However bad the past, once every server is up and does its part, every target serves.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Every_legal_chain_recovers_when_all_servers_do_their_part(int length)
    {
        foreach (var start in LegalChains(length))
        {
            var at = start;
            for (var round = 0; !at.Targets.All(t => t.State == Serving); round++)
            {
                Assert.True(round < 3 * length + 2, $"{Print(start)} does not recover: {Print(at)}");
                at = ChainTransition.Next(at, [.. at.Targets.Select(t => t.State is Serving or Syncing ? UpToDate : Online)]).Chain;
            }
        }
    }

    [Fact]
    public void The_head_dies_and_the_next_one_leads() =>
        Expect("S1 S2 S3", [TargetView.Offline, UpToDate, UpToDate], "S2 S3 O1");

    [Fact]
    public void A_returning_target_waits_its_turn_while_another_syncs() =>
        Expect("S1 Y2 O3", [UpToDate, Online, Online], "S1 Y2 W3");

    [Fact]
    public void The_next_one_syncs_when_the_first_has_finished() =>
        Expect("S1 Y2 W3", [UpToDate, UpToDate, Online], "S1 S2 Y3");

    [Fact]
    public void When_all_die_at_once_the_head_is_waited_for() =>
        Expect("S1 S2 S3", [TargetView.Offline, TargetView.Offline, TargetView.Offline], "L1 O2 O3");

    [Fact]
    public void When_all_die_but_one_restarted_that_one_is_waited_for() =>
        Expect("S1 S2 S3", [TargetView.Offline, Started, TargetView.Offline], "L2 O1 O3");

    [Fact]
    public void A_restarted_target_leaves_serving() =>
        Expect("S1 S2 S3", [UpToDate, Started, UpToDate], "S1 S3 W2");

    [Fact]
    public void A_restarted_target_that_confirmed_the_version_still_leaves_serving() =>
        Expect("S1 S2 S3", [UpToDate, Online, UpToDate], "S1 S3 W2");

    [Fact]
    public void The_only_one_restarts_and_serves_again_only_after_it_confirmed_a_version_in_which_it_does_not()
    {
        var last = Expect("S1 O2", [Started, TargetView.Offline], "L1 O2");
        Assert.Equal(last, ChainTransition.Next(last, [Started, TargetView.Offline]).Chain);
        Assert.Equal(last, ChainTransition.Next(last, [Behind, TargetView.Offline]).Chain);
        var back = ChainTransition.Next(last, [Online, TargetView.Offline]).Chain;
        Assert.Equal("S1 O2", Print(back));
        Assert.Equal(3u, back.Version.Value);
    }

    [Fact]
    public void Restarted_targets_stay_while_a_serving_one_is_unheard_and_nobody_vouches() =>
        Expect("S1 S2 S3", [Started, Started, Unknown], "S1 S2 S3");

    [Fact]
    public void A_target_that_finished_syncing_takes_over_from_a_dead_one() =>
        Expect("S1 Y2", [TargetView.Offline, UpToDate], "S2 O1");

    [Fact]
    public void A_target_in_the_middle_of_syncing_does_not_take_over() =>
        Expect("S1 Y2", [TargetView.Offline, Online], "L1 W2");

    [Fact]
    public void Who_is_leaving_gives_its_turn_to_the_one_that_comes_for_it() =>
        Expect("S1 Y2 O3", [UpToDate, Online, Online], "S1 Y3 W2", wanted: "1 3");

    [Fact]
    public void A_target_that_stepped_down_waits_when_it_is_leaving_and_syncs_otherwise()
    {
        var down = Expect("S1 S2 S3", [Online, UpToDate, UpToDate], "S2 S3 W1", wanted: "2 3");
        Assert.Equal(down, ChainTransition.Next(down, [UpToDate, UpToDate, Online]).Chain);
        down = Expect("S1 S2 S3", [Online, UpToDate, UpToDate], "S2 S3 W1", wanted: "1 2 3");
        Assert.Equal("S2 S3 Y1", Print(ChainTransition.Next(down, [UpToDate, UpToDate, Online]).Chain));
    }

    [Fact]
    public void When_the_others_die_while_a_target_steps_down_it_serves_again()
    {
        var last = Expect("S1 S2", [Online, TargetView.Offline], "L1 O2", wanted: "2");
        Assert.Equal("S1 O2", Print(ChainTransition.Next(last, [Online, TargetView.Offline]).Chain));
    }

    [Fact]
    public void A_fresh_chain_serves_step_by_step()
    {
        var chain = Parse("L1 O2 O3");
        chain = Next(chain, [Online, Online, Started], "S1 Y2 O3");
        chain = Next(chain, [UpToDate, UpToDate, Online], "S1 S2 Y3");
        chain = Next(chain, [UpToDate, UpToDate, UpToDate], "S1 S2 S3");
        Assert.Equal(4u, chain.Version.Value);
    }

    [Fact]
    public void Up_to_date_is_not_believed_of_a_target_that_was_out() =>
        Expect("S1 W2 O3", [UpToDate, UpToDate, UpToDate], "S1 W2 W3");

    [Fact]
    public void Every_move_says_why()
    {
        var decision = ChainTransition.Next(Parse("S1 S2 Y3 O4"), [TargetView.Offline, Started, UpToDate, Online]);
        Assert.Equal("S3 Y4 W2 O1", Print(decision.Chain));
        Assert.Equal(
            [
                new TargetMove(new TargetId(3), Syncing, Serving, MoveReason.Synced),
                new TargetMove(new TargetId(4), TargetState.Offline, Syncing, MoveReason.SyncTurn),
                new TargetMove(new TargetId(2), Serving, Waiting, MoveReason.Restarted),
                new TargetMove(new TargetId(1), Serving, TargetState.Offline, MoveReason.Lost),
            ],
            decision.Moves.ToArray());
    }

    [Fact]
    public void An_illegal_chain_is_a_defect() =>
        Assert.Throws<InvariantException>(() => ChainTransition.Next(Parse("W1 O2"), [Online, Online]));

    private static ChainInfo Expect(string before, TargetView[] views, string after, string wanted = "") =>
        Next(Parse(before) with { PreferredOrder = Ids(wanted) }, views, after);

    private static ImmutableArray<TargetId> Ids(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(t => new TargetId(ulong.Parse(t)))];

    private static ChainInfo Next(ChainInfo chain, TargetView[] views, string after)
    {
        var next = ChainTransition.Next(chain, views).Chain;
        Assert.Equal(after, Print(next));
        return next;
    }

    internal static IEnumerable<ChainInfo> LegalChains(int length) =>
        from states in Combinations(_states, length)
        let chain = new ChainInfo(
            new ChainId(1), new ChainVersion(1), [.. states.Select((s, i) => new ChainTarget(new TargetId((ulong)i + 1), s))], [])
        where ChainChecker.Shape(chain) is null
        select chain;

    internal static IEnumerable<T[]> Combinations<T>(T[] values, int length)
    {
        if (length == 0) return [[]];
        return Combinations(values, length - 1).SelectMany(head => values.Select(v => (T[])[.. head, v]));
    }

    internal static ChainInfo Parse(string text) => new(
        new ChainId(1),
        new ChainVersion(1),
        [.. text.Split(' ').Select(t => new ChainTarget(new TargetId(ulong.Parse(t[1..])), State(t[0])))],
        []);

    internal static string Print(ChainInfo chain) => string.Join(' ', chain.Targets.Select(t => $"{Letter(t.State)}{t.Id}"));

    private static string Print(ChainInfo chain, TargetView[] views) => $"{Print(chain)} with {string.Join(", ", views)}";

    private static TargetState State(char letter) => _states.First(s => Letter(s) == letter);

    private static char Letter(TargetState state) => state == Syncing ? 'Y' : state.ToString()[0];
}
