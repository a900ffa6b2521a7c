using System.Collections.Immutable;
using ThreeFs.Base;

namespace ThreeFs.Client.Mgmtd;

/// <summary>
/// Which mgmtd to ask next. Remembers who answered as primary last, follows the address in a
/// <see cref="StatusCode.NotPrimary"/> answer (which may be one that was not configured), and otherwise walks the list.
/// Thread-safe; it is only a guess, the answers decide.
/// </summary>
internal sealed class PrimaryFinder(ImmutableArray<string> addresses)
{
    private volatile string _guess = addresses[0];

    public string Guess => _guess;

    /// <summary>This address answered as primary.</summary>
    public void Found(string address) => _guess = address;

    /// <summary>This address is not the primary or does not answer.</summary>
    /// <param name="hint">The address it gave instead; empty when it knows none.</param>
    /// <returns>The address to ask next.</returns>
    public string Next(string address, string hint)
    {
        var next = hint.Length > 0 && hint != address && MgmtdClientOptions.IsAddress(hint) ? hint : After(address);
        // Two callers that fail together must not skip an address: only the first moves the guess.
        if (_guess == address) _guess = next;
        return next;
    }

    /// <summary>How many attempts see every address once and follow one hint each.</summary>
    public int Attempts => 2 * addresses.Length;

    private string After(string address) => addresses[(addresses.IndexOf(address) + 1) % addresses.Length];
}
