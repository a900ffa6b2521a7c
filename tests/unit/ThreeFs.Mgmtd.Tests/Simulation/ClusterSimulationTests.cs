using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Kv;
using ThreeFs.Mgmtd.Tests.Chains;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Simulation;

/// <summary>
/// Seeded runs of a whole cluster in virtual time: two mgmtds, storage servers that die, return, lose heartbeats and finish syncing, and
/// mgmtds that stall and are replaced. A checker that knows nothing of mgmtd watches what clients could see.
/// </summary>
public sealed class ClusterSimulationTests
{
    private static readonly TimeSpan _step = TimeSpan.FromMilliseconds(100);

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_cluster_under_faults_stays_safe_and_heals(ulong seed)
    {
        var run = new Run(seed);
        try
        {
            await run.ChaosAsync(steps: 600);
            await run.HealAsync();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}, at step {run.Steps}: {e.Message}", e);
        }
        finally
        {
            await run.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_same_seed_is_the_same_run()
    {
        var (a, b) = (new Run(7), new Run(7));
        await a.ChaosAsync(200);
        await b.ChaosAsync(200);
        Assert.Equal(a.History, b.History);
        Assert.True(a.History.Count > 10, "the run changed chains");
        await a.DisposeAsync();
        await b.DisposeAsync();
    }

    public static TheoryData<ulong> Seeds
    {
        get
        {
            var data = new TheoryData<ulong>();
            for (ulong seed = 1; seed <= 40; seed++) data.Add(seed);
            return data;
        }
    }

    private sealed class Run : IAsyncDisposable
    {
        private const int Chains = 3;
        private readonly FakeTimeProvider _time = new();
        private readonly MemoryKvEngine _kv;
        private readonly SeededRandom _random;
        private readonly SafetyChecker _checker;
        private readonly SimMgmtd[] _mgmtds;
        private readonly int[] _stalled = new int[2];
        private readonly SimStorage[] _storages;
        private RoutingInfo _newest = RoutingInfo.Empty;

        public Run(ulong seed)
        {
            _random = new SeededRandom(seed);
            _kv = new MemoryKvEngine(_time);
            _mgmtds = [new SimMgmtd(1, _kv, _time), new SimMgmtd(2, _kv, _time)];
            _storages = [.. Enumerable.Range(0, 3).Select(n => new SimStorage(
                (uint)n + 10, [.. Enumerable.Range(1, Chains).Select(c => Target(c, n))], _time))];
            _checker = new SafetyChecker(_storages);
            foreach (var storage in _storages) storage.Start();
        }

        public int Steps { get; private set; }

        /// <summary>Every chain version that was ever published.</summary>
        public List<string> History => _checker.History;

        public async Task ChaosAsync(int steps)
        {
            await _mgmtds[0].BeatAsync();
            Expect.Ok(await _mgmtds[0].Service.SetChainsAsync("test", [.. Enumerable.Range(1, Chains).Select(Setting)], default));
            for (var i = 0; i < steps; i++)
            {
                Break();
                await StepAsync(faults: true);
            }
        }

        /// <summary>Without faults everything serves again within a bounded time.</summary>
        public async Task HealAsync()
        {
            Array.Clear(_stalled);
            foreach (var storage in _storages)
            {
                if (!storage.IsUp) storage.Start();
            }

            for (var i = 0; i < 200; i++) await StepAsync(faults: false);
            foreach (var chain in _newest.Chains.Values)
                Assert.True(chain.Targets.All(t => t.State == TargetState.Serving), $"chain {chain.Id} did not heal: {ChainTransitionTests.Print(chain)}");
            Assert.All(_storages, s => Assert.Equal(Chains, s.Serving.Count()));
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var mgmtd in _mgmtds) await mgmtd.DisposeAsync();
        }

        private void Break()
        {
            foreach (var storage in _storages)
            {
                if (storage.IsUp && _random.NextBool(0.01)) storage.Kill();
                else if (!storage.IsUp && _random.NextBool(0.05)) storage.Start();
                // Restarted so fast that nobody notices the silence.
                else if (storage.IsUp && _random.NextBool(0.005)) storage.Start();
            }

            var victim = _random.Next(2);
            if (_stalled[victim] == 0 && _random.NextBool(0.01)) _stalled[victim] = _random.Next(5, 80);
        }

        private async Task StepAsync(bool faults)
        {
            Steps++;
            _time.Advance(_step);
            for (var m = 0; m < 2; m++)
            {
                if (_stalled[m] > 0)
                {
                    _stalled[m]--;
                    continue;
                }

                await _mgmtds[m].BeatAsync();
                await _mgmtds[m].SettleAsync();
            }

            Assert.False(_mgmtds[0].IsPrimary && _mgmtds[1].IsPrimary, "two primaries");
            foreach (var storage in _storages) await ServeAsync(storage, faults);
            foreach (var mgmtd in _mgmtds)
            {
                if (mgmtd.IsPrimary) await mgmtd.SettleAsync();
                if (mgmtd.IsPrimary && mgmtd.Routing.Version > _newest.Version) _checker.Published(_newest = mgmtd.Routing);
            }

            _checker.Check(_newest);
        }

        private async Task ServeAsync(SimStorage storage, bool faults)
        {
            if (!storage.IsUp) return;
            foreach (var mgmtd in _mgmtds)
            {
                // A message to or from a mgmtd is lost now and then.
                if (faults && _random.NextBool(0.15)) continue;
                var asked = await mgmtd.Service.GetRoutingAsync("test", default, default);
                if (asked.TryGet(out var routing) && routing is not null) storage.Observe(routing);
                await storage.BeatAsync(mgmtd.Service, answerArrives: !faults || !_random.NextBool(0.15));
            }

            foreach (var target in storage.Targets)
            {
                if (_random.NextBool(faults ? 0.2 : 0.8)) storage.FinishSync(target);
            }
        }

        private static ulong Target(int chain, int node) => (ulong)(chain * 100 + node);

        /// <summary>Each chain begins at another node.</summary>
        private static ChainSetting Setting(int chain) =>
            new(new ChainId((uint)chain), [.. Enumerable.Range(0, 3).Select(n => new TargetId(Target(chain, (n + chain) % 3)))], []);
    }
}
