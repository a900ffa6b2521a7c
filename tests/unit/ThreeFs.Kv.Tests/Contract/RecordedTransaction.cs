using System.Text;
using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Contract;

/// <summary>A transaction that makes random steps over few keys and writes down what it did and saw.</summary>
public sealed class RecordedTransaction(IKvTransaction transaction) : IDisposable
{
    public enum Kind
    {
        Get,
        Range,
        Set,
        Clear,
        ClearRange,
        Add,
        ByteMax,
        StampedKey,
    }

    /// <param name="Seen">What a read answered, as text.</param>
    public sealed record Step(
        Kind Kind,
        string Key,
        string End,
        int Limit,
        bool Reverse,
        bool Snapshot,
        string Value,
        string Seen);

    // Short keys, and long ones that the embedded engine stores in shared rows.
    private static readonly string[] _keys =
    [
        .. Enumerable.Range(0, 8).Select(i => $"k{i}"),
        .. Enumerable.Range(0, 4).Select(i => "k5" + new string('x', 507 + i)),
        "k5" + new string('x', 600),
    ];

    public List<Step> Steps { get; } = [];
    public KvVersion? ReadVersion { get; private set; }
    public StatusCode Outcome { get; private set; }
    public Versionstamp Stamp { get; private set; }
    public bool Wrote => Steps.Any(step => step.Kind is not Kind.Get and not Kind.Range);

    public async Task StepAsync(SeededRandom random)
    {
        var key = _keys[random.Next(_keys.Length)];
        var other = _keys[random.Next(_keys.Length)];
        var (begin, end) = string.CompareOrdinal(key, other) <= 0 ? (key, other) : (other, key);
        var value = $"{random.Next(1000)}";
        switch (random.Next(10))
        {
            case < 4:
                var snapshot = random.NextBool(0.2);
                var seen = await transaction.GetAsync(B(key), snapshot);
                Steps.Add(new(Kind.Get, key, "", 0, false, snapshot, "", seen.Value.Exists ? S(seen.Value.Span) : "-"));
                break;
            case 4:
                snapshot = random.NextBool(0.2);
                var (limit, reverse) = (random.Next(1, 6), random.NextBool(0.5));
                var page = (await transaction.GetRangeAsync(B(begin), B(end), limit, reverse, snapshot)).Value;
                var rows = string.Join(
                    ' ',
                    page.Rows.Select(row => $"{S(row.Key)}={S(row.Value)}")) + (page.More ? " +" : "");
                Steps.Add(new(Kind.Range, begin, end, limit, reverse, snapshot, "", rows));
                break;
            case 5 or 6:
                transaction.Set(B(key), B(value));
                Steps.Add(new(Kind.Set, key, "", 0, false, false, value, ""));
                break;
            case 7:
                transaction.Clear(B(key));
                Steps.Add(new(Kind.Clear, key, "", 0, false, false, "", ""));
                break;
            case 8 when random.NextBool(0.3):
                transaction.ClearRange(B(begin), B(end));
                if (begin != end) Steps.Add(new(Kind.ClearRange, begin, end, 0, false, false, "", ""));
                break;
            case 8:
                transaction.Mutate(KvMutation.Add, B(key), B("\x01\x00"));
                Steps.Add(new(Kind.Add, key, "", 0, false, false, "", ""));
                break;
            default:
                transaction.Mutate(KvMutation.ByteMax, B(key), B(value));
                Steps.Add(new(Kind.ByteMax, key, "", 0, false, false, value, ""));
                break;
        }
    }

    public async Task CommitAsync(SeededRandom random)
    {
        if (Steps.Any(step => step.Kind is Kind.Get or Kind.Range))
            ReadVersion = (await transaction.GetReadVersionAsync()).Value;
        if (random.NextBool(0.1))
        {
            transaction.SetVersionstampedKey(B("s.........."), 1, B("stamped"));
            Steps.Add(new(Kind.StampedKey, "s", "", 0, false, false, "stamped", ""));
        }

        Outcome = (await transaction.CommitAsync(KvDurability.Relaxed)).Code;
        Stamp = transaction.CommittedStamp;
        Dispose();
    }

    public void Dispose() => transaction.Dispose();

    private static byte[] B(string text) => Encoding.Latin1.GetBytes(text);

    private static string S(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);
}
