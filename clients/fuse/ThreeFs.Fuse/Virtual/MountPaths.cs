using System.Text;

namespace ThreeFs.Fuse.Virtual;

/// <summary>Paths as applications write them, and what they are below the mount point.</summary>
internal sealed class MountPaths(string mountPoint)
{
    private readonly byte[] _mountPoint = Encoding.UTF8.GetBytes(mountPoint);

    /// <summary>
    /// The rest of an absolute path that lies below the mount point, with its leading "/". False when it lies elsewhere or
    /// is the mount point, or has a ".." in it: its text does not tell where it leads then.
    /// </summary>
    public bool TryBelow(ReadOnlyMemory<byte> path, out ReadOnlyMemory<byte> below)
    {
        below = default;
        if (!path.Span.StartsWith(_mountPoint) || path.Length <= _mountPoint.Length) return false;
        var rest = path[_mountPoint.Length..];
        if (rest.Span[0] != (byte)'/' || rest.Span.IndexOfAnyExcept((byte)'/') < 0) return false;
        for (var text = rest.Span; !text.IsEmpty;)
        {
            text = text[1..];
            var end = text.IndexOf((byte)'/');
            if ((end < 0 ? text : text[..end]).SequenceEqual(".."u8)) return false;
            text = end < 0 ? default : text[end..];
        }

        below = rest;
        return true;
    }

    public bool IsBelow(string path) => TryBelow(Encoding.UTF8.GetBytes(path), out _);

    /// <summary>
    /// Whether the process means what it asks for: the words of an <c>ln</c> all lie on this mount. A space that was typed
    /// by mistake makes two paths of one, and the first would be removed.
    /// </summary>
    public bool IsDeliberate(string[] commandLine)
    {
        if (commandLine is not ["ln" or "/usr/bin/ln" or "/bin/ln", .. var words]) return true;
        return words.All(word => word.StartsWith('-') || IsBelow(word));
    }
}
