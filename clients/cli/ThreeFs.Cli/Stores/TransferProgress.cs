using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Cli.Output;
using ThreeFs.Kv.Transfer;

namespace ThreeFs.Cli.Stores;

/// <summary>Says every two seconds how far a transfer has come.</summary>
internal sealed class TransferProgress(string done)
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(2);
    private long _said = Stopwatch.GetTimestamp();

    public void Report(KvDigest soFar)
    {
        if (Stopwatch.GetElapsedTime(_said) < _pause) return;
        _said = Stopwatch.GetTimestamp();
        Say.Progress($"{done} {soFar.Rows} rows, {new ByteSize(soFar.Bytes)} ...");
    }
}
