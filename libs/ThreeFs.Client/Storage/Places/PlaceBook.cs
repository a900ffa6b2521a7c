using System.Collections.Concurrent;
using ThreeFs.Transport;

namespace ThreeFs.Client.Storage.Places;

/// <summary>The known places of every connection whose server is on this host. Thread-safe.</summary>
internal sealed class PlaceBook(RetryPolicy retry, StorageClientCounters counters)
{
    private readonly ConcurrentDictionary<IConnection, KnownPlaces> _all = new();

    /// <summary>Null when the server's device is not to be read here now.</summary>
    public KnownPlaces? Of(IConnection connection)
    {
        if (connection.LocalFiles is not { } files) return null;
        return _all.TryGetValue(connection, out var known) ? known : Open(connection, files);
    }

    /// <summary>Apart, because what it captures would be allocated at every look.</summary>
    private KnownPlaces Open(IConnection connection, ILocalFiles files)
    {
        var known = _all.GetOrAdd(connection, new KnownPlaces(connection, files, retry, counters));
        connection.OnClosed(_ => _all.TryRemove(connection, out KnownPlaces? _));
        return known;
    }
}
