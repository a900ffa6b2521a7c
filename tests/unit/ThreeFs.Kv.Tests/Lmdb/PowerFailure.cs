using ThreeFs.Base;
using ThreeFs.Kv.Lmdb.Native;

namespace ThreeFs.Kv.Tests.Lmdb;

/// <summary>
/// What a disk may hold after a power failure. Everything is taken page by page: a page that was written since the last
/// flush holds its old content, its new content, or garbage (torn), and the file may be as long as before or after.
/// </summary>
internal static class PowerFailure
{
    private const int PageSize = 4096;

    /// <summary>The environment's files as they are now.</summary>
    public static string Copy(string environment, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var name in new[] { "data.mdb", "steady" })
            File.WriteAllBytes(Path.Combine(to, name), Read(Path.Combine(environment, name)));
        return to;
    }

    /// <summary>
    /// A possible disk: <paramref name="flushed"/> was copied right after a flush, <paramref name="current"/> is the
    /// page cache now. The side file is taken from <paramref name="current"/>: its writes are flushed.
    /// </summary>
    public static string Image(string flushed, string current, string to, SeededRandom random)
    {
        Directory.CreateDirectory(to);
        File.WriteAllBytes(Path.Combine(to, "steady"), Read(Path.Combine(current, "steady")));
        var before = Read(Path.Combine(flushed, "data.mdb"));
        var after = Read(Path.Combine(current, "data.mdb"));
        var image = new byte[random.NextBool(0.5) ? before.Length : Math.Max(before.Length, after.Length)];
        for (var at = 0; at < image.Length; at += PageSize)
        {
            var page = image.AsSpan(at, Math.Min(PageSize, image.Length - at));
            var old = PageAt(before, at);
            var now = PageAt(after, at);
            if (old.SequenceEqual(now)) old.CopyTo(page);
            else if (random.Next(3) is var choice && choice == 0) old.CopyTo(page);
            else if (choice == 1) now.CopyTo(page);
            else random.NextBytes(page);
        }

        File.WriteAllBytes(Path.Combine(to, "data.mdb"), image);
        return to;
    }

    /// <summary>Reads past the engine's own lock on the side file, which .NET's open would respect.</summary>
    private static byte[] Read(string path)
    {
        using var file = Posix.Open(path, create: false, out var errno) ?? throw new IOException(path);
        var bytes = new byte[RandomAccess.GetLength(file)];
        for (var at = 0; at < bytes.Length;) at += RandomAccess.Read(file, bytes.AsSpan(at), at);
        return bytes;
    }

    private static ReadOnlySpan<byte> PageAt(byte[] file, int at) =>
        at >= file.Length ? default : file.AsSpan(at, Math.Min(PageSize, file.Length - at));
}
