using ThreeFs.Base;

namespace ThreeFs.Kv;

/// <summary>Faults at random with given probabilities; one seed gives one sequence.</summary>
public sealed class SeededKvFaults(SeededRandom random) : IKvFaults
{
    public double ReadTooOld { get; init; }
    public double ReadThrottled { get; init; }
    public double CommitConflict { get; init; }
    public double CommitTooOld { get; init; }
    public double CommitThrottled { get; init; }

    /// <summary>Half of these are applied.</summary>
    public double CommitMaybeCommitted { get; init; }

    public TimeSpan MinDelay { get; init; }
    public TimeSpan MaxDelay { get; init; }

    /// <summary>After so many faults everything works, so that bounded retries succeed.</summary>
    public int MaxFaults { get; init; } = int.MaxValue;

    public int Injected { get; private set; }

    public KvFault OnRead() => Pick((ReadTooOld, KvFault.TooOld), (ReadThrottled, KvFault.Throttled));

    public KvFault OnCommit() => Pick(
        (CommitConflict, KvFault.Conflict),
        (CommitTooOld, KvFault.TooOld),
        (CommitThrottled, KvFault.Throttled),
        (CommitMaybeCommitted / 2, KvFault.MaybeCommittedApplied),
        (CommitMaybeCommitted / 2, KvFault.MaybeCommittedLost));

    public TimeSpan Delay() =>
        MaxDelay <= TimeSpan.Zero ? TimeSpan.Zero : MinDelay + (MaxDelay - MinDelay) * random.NextDouble();

    private KvFault Pick(params ReadOnlySpan<(double Probability, KvFault Fault)> choices)
    {
        var draw = random.NextDouble();
        if (Injected >= MaxFaults) return KvFault.None;
        foreach (var (probability, fault) in choices)
        {
            draw -= probability;
            if (draw >= 0) continue;
            Injected++;
            return fault;
        }

        return KvFault.None;
    }
}
