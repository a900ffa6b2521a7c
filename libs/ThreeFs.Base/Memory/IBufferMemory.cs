namespace ThreeFs.Base.Memory;

/// <summary>Where a <see cref="BufferPool"/> has its memory from. Thread-safe.</summary>
public interface IBufferMemory
{
    /// <summary>A buffer aligned to <see cref="BufferPool.Alignment"/>, or 0 when there is no more.</summary>
    /// <param name="capacity">A power of two from 4 KiB to 64 MiB.</param>
    nint Allocate(int capacity);

    void Free(nint address, int capacity);
}
