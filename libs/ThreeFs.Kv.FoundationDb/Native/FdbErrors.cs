namespace ThreeFs.Kv.FoundationDb.Native;

/// <summary>What libfdb_c says about its codes.</summary>
internal static unsafe class FdbErrors
{
    /// <summary>Another attempt may succeed; whether this one was applied is another question.</summary>
    public static bool IsRetryable(FdbError error) => Is(FdbErrorPredicate.Retryable, error);

    public static bool IsMaybeCommitted(FdbError error) => Is(FdbErrorPredicate.MaybeCommitted, error);

    public static bool IsRetryableNotCommitted(FdbError error) => Is(FdbErrorPredicate.RetryableNotCommitted, error);

    /// <summary>"Transaction is too old to perform reads or be committed (1007)".</summary>
    public static string Describe(FdbError error) => $"{FdbLibrary.Text(Fdb.GetError(error))} ({(int)error})";

    private static bool Is(FdbErrorPredicate predicate, FdbError error) => Fdb.ErrorPredicate(predicate, error) != 0;
}
