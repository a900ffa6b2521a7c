using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// Many files as one: each has as many bytes, one after the other. No operation crosses from one to the next.
/// </summary>
internal sealed class SpreadRung(string name, IReadOnlyList<IRung> files, long bytesEach) : IRung
{
    public string Name => name;

    public ValueTask<Status> ReadAsync(long offset, IoMemory destination) =>
        files[(int)(offset / bytesEach)].ReadAsync(offset % bytesEach, destination);

    public ValueTask<Status> WriteAsync(long offset, IoMemory source) =>
        files[(int)(offset / bytesEach)].WriteAsync(offset % bytesEach, source);

    public async ValueTask<Status> FlushAsync()
    {
        var results = await Task.WhenAll(files.Select(f => f.FlushAsync().AsTask()));
        return results.FirstOrDefault(s => !s.IsOk, Status.Ok);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var file in files) await file.DisposeAsync();
    }
}
