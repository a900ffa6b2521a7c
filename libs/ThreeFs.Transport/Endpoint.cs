using System.Globalization;

namespace ThreeFs.Transport;

/// <summary>
/// Where a server listens: "tcp://10.0.0.1:8000", "tcp://[::1]:8000", "inproc://name". The scheme names the transport;
/// port 0 asks for a free one and is answered by <see cref="IListener.Endpoint"/>.
/// </summary>
public readonly record struct Endpoint(string Scheme, string Host, int Port)
{
    public const string TcpScheme = "tcp";
    public const string InProcScheme = "inproc";

    public static Endpoint Tcp(string host, int port) => new(TcpScheme, host, port);
    public static Endpoint InProc(string name) => new(InProcScheme, name, 0);

    /// <summary>Parses the printed form; a text without scheme ("host:port") is TCP.</summary>
    public static bool TryParse(string? text, out Endpoint endpoint)
    {
        endpoint = default;
        if (string.IsNullOrWhiteSpace(text)) return false;
        var rest = text.AsSpan().Trim();
        var scheme = TcpScheme;
        var mark = rest.IndexOf("://");
        if (mark >= 0)
        {
            scheme = rest[..mark].ToString();
            rest = rest[(mark + 3)..];
        }

        if (scheme == InProcScheme)
        {
            endpoint = InProc(rest.ToString());
            return !rest.IsEmpty;
        }

        var colon = rest.LastIndexOf(':');
        if (scheme.Length == 0 || colon <= 0) return false;
        var host = rest[..colon];
        if (host[0] == '[' && host[^1] == ']') host = host[1..^1];
        else if (host.Contains(':')) return false;
        if (host.IsEmpty || !ushort.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return false;
        endpoint = new Endpoint(scheme, host.ToString(), port);
        return true;
    }

    public override string ToString() => Scheme == InProcScheme
        ? $"{Scheme}://{Host}"
        : Host is not null && Host.Contains(':') ? $"{Scheme}://[{Host}]:{Port}" : $"{Scheme}://{Host}:{Port}";
}
