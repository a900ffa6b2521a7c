namespace ThreeFs.Kv;

/// <summary>What a commit's acknowledgement promises.</summary>
public enum KvDurability
{
    /// <summary>The commit and everything before it survives a power failure.</summary>
    Durable,

    /// <summary>
    /// The commit survives the death of every process and reaches stable storage soon, or with <see
    /// cref="IKvEngine.FlushAsync"/>; a power failure may undo a suffix of the commit order that was not flushed, never
    /// part of a transaction. Engines without such a mode (FoundationDB) treat it as <see cref="Durable"/>.
    /// </summary>
    Relaxed,
}
