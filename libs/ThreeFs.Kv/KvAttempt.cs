namespace ThreeFs.Kv;

/// <summary>One run of a transaction's body by <see cref="KvRetry"/>.</summary>
/// <param name="Transaction">Fresh for every attempt; the retry loop commits and disposes it.</param>
/// <param name="Number">0 for the first attempt.</param>
/// <param name="MayHaveCommitted">
/// An earlier attempt ended with TxMaybeCommitted: the body must recognise its own effects before it reports, say,
/// AlreadyExists.
/// </param>
public readonly record struct KvAttempt(IKvTransaction Transaction, int Number, bool MayHaveCommitted);
