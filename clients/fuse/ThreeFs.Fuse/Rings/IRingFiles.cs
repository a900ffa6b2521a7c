using ThreeFs.UsrbIo;

namespace ThreeFs.Fuse.Rings;

/// <summary>The files of a mount, as rings use them.</summary>
internal interface IRingFiles
{
    /// <summary>A file that the user has open for what he wants to do; null when he has not. Its descriptors may be closed while it is used.</summary>
    IRingFile? Find(ulong inode, uint uid, bool forRead);

    /// <summary>A job of reads for <see cref="IRingFile"/>s; reused.</summary>
    IRingReads NewReads(RingFlags flags);
}

/// <summary>An open file.</summary>
internal interface IRingFile
{
    /// <summary>False once the descriptor it was found by is closed: then it has to be looked for again.</summary>
    bool IsOpen { get; }

    /// <summary>Bytes written, or a negative error number.</summary>
    ValueTask<long> WriteAsync(ulong offset, Base.Memory.IoMemory source);
}

/// <summary>Reads that go out together. Added, run, asked, cleared. Not thread-safe.</summary>
internal interface IRingReads
{
    void Add(IRingFile file, ulong offset, Base.Memory.IoMemory destination);

    ValueTask RunAsync();

    /// <summary>Bytes read, fewer at the end of the file, or a negative error number.</summary>
    long ResultOf(int index);

    void Clear();
}
