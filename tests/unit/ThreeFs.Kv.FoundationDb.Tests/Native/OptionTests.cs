using ThreeFs.FdbStandIn;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Tests.Native;

/// <summary>The numbers that go to the library are those that FoundationDB documents for API version 730.</summary>
public sealed class OptionTests : BindingTestBase
{
    [Fact]
    public void Codes_are_those_of_fdb_options()
    {
        string[] codes =
        [
            .. Lines<FdbNetworkOption>("network"), .. Lines<FdbDatabaseOption>("database"),
            .. Lines<FdbTransactionOption>("transaction"), .. Lines<FdbStreamingMode>("streaming"),
            .. Lines<FdbMutation>("mutation"), .. Lines<FdbConflictRange>("conflict"),
            .. Lines<FdbErrorPredicate>("predicate"),
        ];
        Assert.Equal(Golden("options.txt"), codes);
    }

    [Fact]
    public void Errors_are_those_of_the_list_of_errors() =>
        Assert.Equal(Golden("errors.txt"), Lines<FdbError>("error"));

    [Fact]
    public void Values_are_sent_as_documented()
    {
        StandIn.OptionsSeen();
        Database.SetOption(FdbDatabaseOption.TransactionTimeout, 1234);
        Database.SetOption(FdbDatabaseOption.DatacenterId, "dc-é");
        using var transaction = Database.BeginTransaction();
        transaction.SetOption(FdbTransactionOption.PriorityBatch);
        transaction.SetOption(FdbTransactionOption.Tag, "meta");
        transaction.SetOption(FdbTransactionOption.SizeLimit, 1 << 20);
        transaction.SetReadVersion(77);
        Assert.Equal(
            [
                "database 500 1234", "database 22 dc-é", "transaction 201 ", "transaction 800 meta",
                "transaction 503 1048576", "read version 77",
            ],
            StandIn.OptionsSeen());
        Database.SetOption(FdbDatabaseOption.TransactionTimeout, 0);
    }

    [Theory]
    [InlineData((int)FdbError.NotCommitted, true, false)]
    [InlineData((int)FdbError.TransactionTooOld, true, false)]
    [InlineData((int)FdbError.FutureVersion, true, false)]
    [InlineData((int)FdbError.CommitUnknownResult, true, true)]
    [InlineData((int)FdbError.ClusterVersionChanged, true, true)]
    [InlineData((int)FdbError.TransactionTooLarge, false, false)]
    [InlineData((int)FdbError.TransactionTimedOut, false, false)]
    public void Predicates_tell_what_may_be_repeated(int code, bool retryable, bool maybeCommitted)
    {
        var error = (FdbError)code;
        Assert.Equal(retryable, FdbErrors.IsRetryable(error));
        Assert.Equal(maybeCommitted, FdbErrors.IsMaybeCommitted(error));
        Assert.Equal(retryable && !maybeCommitted, FdbErrors.IsRetryableNotCommitted(error));
    }

    [Fact]
    public unsafe void Rows_are_laid_out_as_in_the_header()
    {
        Assert.Equal(24, sizeof(FdbKeyValue));
        Assert.Equal(12, sizeof(FdbKey));
    }

    private static IEnumerable<string> Lines<TEnum>(string kind)
        where TEnum : struct, Enum =>
        Enum.GetValues<TEnum>().OrderBy(value => Convert.ToInt32(value))
            .Select(value => $"{kind} {Convert.ToInt32(value)} {value}");

    private static string[] Golden(string name) =>
        File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Golden", name));
}
