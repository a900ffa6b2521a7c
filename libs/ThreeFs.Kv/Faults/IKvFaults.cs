namespace ThreeFs.Kv;

/// <summary>
/// Decides the fate of each operation of a <see cref="FaultyKvEngine"/>. Called in the order of the operations, under a
/// lock.
/// </summary>
public interface IKvFaults
{
    /// <summary>None, TooOld or Throttled.</summary>
    KvFault OnRead();

    KvFault OnCommit();

    /// <summary>How long the operation takes before it starts.</summary>
    TimeSpan Delay();
}
