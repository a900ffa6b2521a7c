using System.Collections.Immutable;
using System.Text;
using ThreeFs.Base;
using Rows = System.Collections.Immutable.ImmutableSortedDictionary<string, string>;
using Step = ThreeFs.Kv.Tests.Contract.RecordedTransaction.Step;
using Kind = ThreeFs.Kv.Tests.Contract.RecordedTransaction.Kind;

namespace ThreeFs.Kv.Tests.Contract;

/// <summary>
/// Judges a history by running its committed transactions one after the other, in the order of their stamps, on a model
/// of a few lines. Every read of every transaction must equal the model at its read version (one snapshot), and every
/// read of a committed transaction that was no snapshot read must also equal the model right before its commit
/// (serializable).
/// </summary>
public sealed class SerializabilityChecker
{
    public SerializabilityChecker(IReadOnlyList<RecordedTransaction> history)
    {
        Final = Rows.Empty.WithComparers(StringComparer.Ordinal);
        var atVersion = new SortedDictionary<long, Rows> { [long.MinValue] = Final };
        foreach (var transaction in history.Where(
            tx => tx.Wrote && tx.Outcome == StatusCode.Ok).OrderBy(tx => tx.Stamp))
        {
            Check(transaction, Final, step => !step.Snapshot, "serializable");
            foreach (var step in transaction.Steps) Final = Apply(Final, step, transaction.Stamp);
            atVersion[(long)transaction.Stamp.Version] = Final;
        }

        foreach (var transaction in history)
            if (transaction.ReadVersion is { } version)
                Check(
                    transaction,
                    atVersion.Last(state => state.Key <= version.Value).Value,
                    _ => true,
                    $"snapshot {version}");
    }

    public string? Failure { get; private set; }

    /// <summary>What the store must hold in the end.</summary>
    public Rows Final { get; }

    private void Check(RecordedTransaction transaction, Rows rows, Func<Step, bool> isChecked, string what)
    {
        foreach (var step in transaction.Steps)
        {
            if (step.Kind is Kind.Get or Kind.Range && isChecked(step) && Read(rows, step) is var expected && expected != step.Seen)
                Failure ??= $"{what}: {step} should have seen [{expected}] in the transaction with stamp {transaction.Stamp}";
            rows = Apply(rows, step, default);
        }
    }

    private static string Read(Rows rows, Step step)
    {
        if (step.Kind == Kind.Get) return rows.GetValueOrDefault(step.Key) ?? "-";
        var inside = rows.Where(
            row => string.CompareOrdinal(row.Key, step.Key) >= 0 && string.CompareOrdinal(row.Key, step.End) < 0);
        var page = (step.Reverse ? inside.Reverse() : inside).Take(step.Limit).ToArray();
        return string.Join(' ', page.Select(row => $"{row.Key}={row.Value}")) + (page.Length == step.Limit ? " +" : "");
    }

    private static Rows Apply(Rows rows, Step step, Versionstamp stamp)
    {
        var current = rows.GetValueOrDefault(step.Key);
        switch (step.Kind)
        {
            case Kind.Set:
                return rows.SetItem(step.Key, step.Value);
            case Kind.Clear:
                return rows.Remove(step.Key);
            case Kind.ClearRange:
                return rows.RemoveRange(rows.Keys.Where(
                    key => string.CompareOrdinal(key, step.Key) >= 0 && string.CompareOrdinal(key, step.End) < 0));
            case Kind.Add:
                var padded = ((current ?? "") + "\0\0")[..2];
                var sum = (ushort)(padded[0] + padded[1] * 256 + 1);
                return rows.SetItem(step.Key, $"{(char)(sum & 255)}{(char)(sum >> 8)}");
            case Kind.ByteMax:
                return current is not null && string.CompareOrdinal(current, step.Value) >= 0 ? rows : rows.SetItem(step.Key, step.Value);
            case Kind.StampedKey:
                Span<byte> bytes = stackalloc byte[Versionstamp.Size];
                stamp.Write(bytes);
                return rows.SetItem(step.Key + Encoding.Latin1.GetString(bytes), step.Value);
            default:
                return rows;
        }
    }
}
