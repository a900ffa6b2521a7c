using Microsoft.Win32.SafeHandles;

namespace ThreeFs.Kv.FoundationDb.Native;

/// <summary>
/// An FDBDatabase. Destroyed when it and every transaction made of it are disposed, whatever the order.
/// </summary>
internal sealed class FdbDatabaseHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    public FdbDatabaseHandle(nint database)
        : base(ownsHandle: true) => SetHandle(database);

    protected override bool ReleaseHandle()
    {
        Fdb.DatabaseDestroy(handle);
        return true;
    }
}

/// <summary>
/// An FDBTransaction. Destroyed when it is disposed and no call uses it; what it had not finished ends with
/// transaction_cancelled then. Keeps its database.
/// </summary>
internal sealed class FdbTransactionHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    private readonly FdbDatabaseHandle _database;

    /// <param name="database">Has been given a reference that the transaction returns when it is destroyed.</param>
    /// <param name="transaction">Belongs to the handle from now on.</param>
    public FdbTransactionHandle(FdbDatabaseHandle database, nint transaction)
        : base(ownsHandle: true)
    {
        _database = database;
        SetHandle(transaction);
    }

    protected override bool ReleaseHandle()
    {
        Fdb.TransactionDestroy(handle);
        _database.DangerousRelease();
        return true;
    }
}
