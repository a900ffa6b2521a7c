using System.Text;
using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Contract;

/// <summary>Short words for the suites.</summary>
public abstract class ContractBase<TStore> : IAsyncLifetime
    where TStore : TestStore, new()
{
    protected TStore Store { get; } = new();

    protected IKvEngine Engine => Store.Engine;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await Store.DisposeAsync();

    protected static byte[] B(string text) => Encoding.Latin1.GetBytes(text);

    protected static string S(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    protected async Task PutAsync(params (string Key, string Value)[] rows)
    {
        using var transaction = Engine.BeginTransaction();
        foreach (var (key, value) in rows) transaction.Set(B(key), B(value));
        AssertOk(await transaction.CommitAsync(KvDurability.Relaxed));
    }

    /// <summary>The committed value, null when missing.</summary>
    protected async Task<string?> CommittedAsync(string key)
    {
        using var transaction = Engine.BeginReadOnly();
        return await ReadAsync(transaction, key);
    }

    protected static async Task<string?> ReadAsync(IKvReadTransaction transaction, string key, bool snapshot = false)
    {
        var value = (await transaction.GetAsync(B(key), snapshot)).Value;
        return value.Exists ? S(value.Span) : null;
    }

    /// <summary>"a=1 b=2", with " +" at the end when there is more.</summary>
    protected static async Task<string> RangeAsync(
        IKvReadTransaction transaction,
        string begin,
        string end,
        int limit = 0,
        bool reverse = false,
        bool snapshot = false)
    {
        var page = (await transaction.GetRangeAsync(B(begin), B(end), limit, reverse, snapshot)).Value;
        return string.Join(" ", page.Rows.Select(row => $"{S(row.Key)}={S(row.Value)}")) + (page.More ? " +" : "");
    }

    protected async Task<StatusCode> CommitOutcomeAsync(IKvTransaction transaction)
    {
        var status = await transaction.CommitAsync(KvDurability.Relaxed);
        return status.Code;
    }

    protected static void AssertOk(Status status) => Assert.True(status.IsOk, status.ToString());
}
