namespace ThreeFs.Fuse.Tests.Memory;

/// <summary>A sparse file in pages of 64 KiB. A page that was never written reads as zeros. Thread-safe.</summary>
internal sealed class MemoryContent
{
    private const int PageSize = 64 << 10;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, byte[]> _pages = [];
    private long _length;

    public long Length
    {
        get
        {
            lock (_lock) return _length;
        }
    }

    public long Bytes
    {
        get
        {
            lock (_lock) return (long)_pages.Count * PageSize;
        }
    }

    public int Read(long offset, Span<byte> destination)
    {
        lock (_lock)
        {
            if (offset >= _length) return 0;
            if (destination.Length > _length - offset) destination = destination[..(int)(_length - offset)];
            var total = destination.Length;
            while (!destination.IsEmpty)
            {
                var at = (int)(offset % PageSize);
                var part = destination[..Math.Min(destination.Length, PageSize - at)];
                if (_pages.TryGetValue(offset / PageSize, out var page)) page.AsSpan(at, part.Length).CopyTo(part);
                else part.Clear();
                offset += part.Length;
                destination = destination[part.Length..];
            }

            return total;
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        lock (_lock)
        {
            var end = offset + source.Length;
            while (!source.IsEmpty)
            {
                var at = (int)(offset % PageSize);
                var part = source[..Math.Min(source.Length, PageSize - at)];
                if (!_pages.TryGetValue(offset / PageSize, out var page))
                    _pages[offset / PageSize] = page = new byte[PageSize];
                part.CopyTo(page.AsSpan(at));
                offset += part.Length;
                source = source[part.Length..];
            }

            if (end > _length) _length = end;
        }
    }

    /// <summary>The range reads as zeros; the length stays.</summary>
    public void Clear(long offset, long length)
    {
        lock (_lock)
        {
            var end = Math.Min(offset + length, _length);
            while (offset < end)
            {
                var at = (int)(offset % PageSize);
                var size = (int)Math.Min(end - offset, PageSize - at);
                if (size == PageSize) _pages.Remove(offset / PageSize);
                else if (_pages.TryGetValue(offset / PageSize, out var page)) page.AsSpan(at, size).Clear();
                offset += size;
            }
        }
    }

    public void SetLength(long length)
    {
        lock (_lock)
        {
            if (length < _length)
            {
                foreach (var index in _pages.Keys.Where(i => i * PageSize >= length).ToArray()) _pages.Remove(index);
                if (_pages.TryGetValue(length / PageSize, out var last)) last.AsSpan((int)(length % PageSize)).Clear();
            }

            _length = length;
        }
    }
}
