using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.StackTester;

/// <summary>
/// Instructions on transactions, also in their forms _SNAPSHOT and _DATABASE. The binding has no calls on databases:
/// these run in a transaction of their own that is repeated until it commits.
/// </summary>
internal static class Operations
{
    private const string SnapshotForm = "_SNAPSHOT";
    private const string DatabaseForm = "_DATABASE";

    private static readonly byte[] _notPresent = Machine.B("RESULT_NOT_PRESENT");

    public static async Task<bool> ExecuteAsync(Machine machine, string name)
    {
        var snapshot = name.EndsWith(SnapshotForm, StringComparison.Ordinal);
        var database = name.EndsWith(DatabaseForm, StringComparison.Ordinal);
        if (snapshot) name = name[..^SnapshotForm.Length];
        if (database) name = name[..^DatabaseForm.Length];
        if (await ReadAsync(machine, name, snapshot, database) is { } read)
        {
            machine.Push(read);
            return true;
        }

        if (await WriteAsync(machine.Stack, name) is { } write)
        {
            if (!database)
            {
                write(machine.Current);
                return true;
            }

            await machine.Shared.RunAsync(transaction =>
            {
                write(transaction);
                return Task.FromResult(true);
            });
            machine.Push(_notPresent);
            return true;
        }

        return await ConflictAsync(machine, name) || await ControlAsync(machine, name);
    }

    /// <summary>What the instruction pushes, or null when it is none that reads.</summary>
    private static async Task<object?> ReadAsync(Machine machine, string name, bool snapshot, bool database)
    {
        var stack = machine.Stack;
        switch (name)
        {
            case "GET":
                var key = await stack.PopBytesAsync();
                return await On(tx => tx.GetAsync(key, snapshot).ValueAsync()) ?? _notPresent;
            case "GET_KEY":
                var (of, orEqual, offset) =
                    (await stack.PopBytesAsync(), await stack.PopIntAsync() != 0, await stack.PopIntAsync());
                var under = await stack.PopBytesAsync();
                var found = await On(tx => tx.GetKeyAsync(new(of, orEqual, offset), snapshot).ValueAsync());
                return found.AsSpan().StartsWith(under) ? found
                    : found.AsSpan().SequenceCompareTo(under) < 0 ? under : KvKeys.PrefixEnd(under);
            case "GET_RANGE":
                var range = Bounds(await stack.PopBytesAsync(), await stack.PopBytesAsync());
                return await RangeAsync(range, await PopRequestAsync(), []);
            case "GET_RANGE_STARTS_WITH":
                var start = await stack.PopBytesAsync();
                return await RangeAsync(Bounds(start, KvKeys.PrefixEnd(start)), await PopRequestAsync(), []);
            case "GET_RANGE_SELECTOR":
                var begin = new Selector(
                    await stack.PopBytesAsync(), await stack.PopIntAsync() != 0, await stack.PopIntAsync());
                var end = new Selector(
                    await stack.PopBytesAsync(), await stack.PopIntAsync() != 0, await stack.PopIntAsync());
                var request = await PopRequestAsync();
                return await RangeAsync((begin, end), request, await stack.PopBytesAsync());
            case "GET_ESTIMATED_RANGE_SIZE":
                var (first, last) = (await stack.PopBytesAsync(), await stack.PopBytesAsync());
                await machine.Current.GetEstimatedRangeSizeAsync(first, last).ValueAsync();
                return Machine.B("GOT_ESTIMATED_RANGE_SIZE");
            case "GET_RANGE_SPLIT_POINTS":
                (first, last) = (await stack.PopBytesAsync(), await stack.PopBytesAsync());
                var size = await stack.PopIntAsync();
                await machine.Current.GetRangeSplitPointsAsync(first, last, size).ValueAsync();
                return Machine.B("GOT_RANGE_SPLIT_POINTS");
            case "GET_READ_VERSION":
                machine.LastVersion = await machine.Current.GetReadVersionAsync().ValueAsync();
                return Machine.B("GOT_READ_VERSION");
            case "GET_VERSIONSTAMP":
                return LaterAsync(machine.Current.GetVersionstampAsync());
            case "GET_COMMITTED_VERSION":
                var committed = machine.Current.CommittedVersion;
                FdbAnswers.Check(committed.Error);
                machine.LastVersion = committed.Value;
                return Machine.B("GOT_COMMITTED_VERSION");
            case "GET_APPROXIMATE_SIZE":
                await machine.Current.GetApproximateSizeAsync().ValueAsync();
                return Machine.B("GOT_APPROXIMATE_SIZE");
            default:
                return null;
        }

        Task<T> On<T>(Func<FdbTransaction, Task<T>> body) =>
            database ? machine.Shared.RunAsync(body) : body(machine.Current);

        async Task<RangeRequest> PopRequestAsync() => new()
        {
            Limit = await stack.PopIntAsync(),
            Reverse = await stack.PopIntAsync() != 0,
            Mode = (FdbStreamingMode)await stack.PopIntAsync(),
            Snapshot = snapshot,
        };

        async Task<object?> RangeAsync((Selector Begin, Selector End) bounds, RangeRequest request, byte[] under)
        {
            var rows = await On(tx => Range.ReadAsync(tx, bounds.Begin, bounds.End, request));
            var wanted = rows.Where(row => row.Key.AsSpan().StartsWith(under));
            return TupleCodec.Pack([.. wanted.SelectMany(row => new[] { row.Key, row.Value })]);
        }
    }

    /// <summary>What the instruction does to a transaction, or null when it is none that writes.</summary>
    private static async Task<Action<FdbTransaction>?> WriteAsync(Stack stack, string name)
    {
        switch (name)
        {
            case "SET":
                var (key, value) = (await stack.PopBytesAsync(), await stack.PopBytesAsync());
                return transaction => transaction.Set(key, value);
            case "CLEAR":
                key = await stack.PopBytesAsync();
                return transaction => transaction.Clear(key);
            case "CLEAR_RANGE":
                var (begin, end) = (await stack.PopBytesAsync(), await stack.PopBytesAsync());
                return transaction => transaction.ClearRange(begin, end);
            case "CLEAR_RANGE_STARTS_WITH":
                begin = await stack.PopBytesAsync();
                return transaction => transaction.ClearRange(begin, KvKeys.PrefixEnd(begin));
            case "ATOMIC_OP":
                var mutation = Mutation((string)(await stack.PopAsync())!);
                (key, value) = (await stack.PopBytesAsync(), await stack.PopBytesAsync());
                return transaction => transaction.Mutate(mutation, key, value);
            default:
                return null;
        }
    }

    private static async Task<bool> ConflictAsync(Machine machine, string name)
    {
        var (kind, form) = name.Split("_CONFLICT_") is [var first, var second] ? (first, second) : ("", "");
        if (kind is not ("READ" or "WRITE")) return false;
        var begin = await machine.Stack.PopBytesAsync();
        var end = form == "KEY" ? KvKeys.After(begin) : await machine.Stack.PopBytesAsync();
        FdbAnswers.Check(machine.Current.AddConflictRange(
            begin, end, kind == "READ" ? FdbConflictRange.Read : FdbConflictRange.Write));
        machine.Push(Machine.B($"SET_CONFLICT_{form}"));
        return true;
    }

    private static async Task<bool> ControlAsync(Machine machine, string name)
    {
        switch (name)
        {
            case "ON_ERROR":
                await machine.Current.OnErrorAsync((FdbError)await machine.Stack.PopIntAsync()).CheckAsync();
                machine.Push(_notPresent);
                return true;
            case "COMMIT":
                await machine.Current.CommitAsync().CheckAsync();
                machine.Push(_notPresent);
                return true;
            case "SET_READ_VERSION":
                machine.Current.SetReadVersion(machine.LastVersion);
                return true;
            case "DISABLE_WRITE_CONFLICT":
                FdbAnswers.Check(machine.Current.SetOption(FdbTransactionOption.NextWriteNoWriteConflictRange));
                return true;
            case "RESET":
                machine.Current.Reset();
                return true;
            case "CANCEL":
                machine.Current.Cancel();
                return true;
            case "UNIT_TESTS":
                await UnitTests.RunAsync(machine.Shared);
                return true;
            default:
                return false;
        }
    }

    private static async Task<object?> LaterAsync(ValueTask<FdbResult<byte[]>> stamp)
    {
        try
        {
            return await stamp.ValueAsync();
        }
        catch (FdbException e)
        {
            return Machine.Packed(e);
        }
    }

    /// <summary>"BIT_AND" → BitAnd; AND, OR and XOR are the old names.</summary>
    private static FdbMutation Mutation(string name)
    {
        if (name is "AND" or "OR" or "XOR") name = $"BIT_{name}";
        return Enum.Parse<FdbMutation>(name.Replace("_", ""), ignoreCase: true);
    }

    private static (Selector Begin, Selector End) Bounds(byte[] begin, byte[] end) =>
        (new(begin, false, 1), new(end, false, 1));
}

/// <summary>A <see cref="KeySelector"/> that outlives its instruction.</summary>
internal sealed record Selector(byte[] Key, bool OrEqual, int Offset);
