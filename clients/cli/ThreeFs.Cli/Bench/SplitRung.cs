using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// A rung that takes operations within one piece (a chunk): larger ones go to it in parts, all at the same time.
/// </summary>
/// <param name="piece">Bytes between the boundaries that no operation crosses.</param>
internal sealed class SplitRung(IRung rung, int piece) : IRung
{
    public string Name => rung.Name;

    public ValueTask<Status> ReadAsync(long offset, IoMemory destination) =>
        FitsOne(offset, destination)
            ? rung.ReadAsync(offset, destination)
            : EachAsync(offset, destination, rung.ReadAsync);

    public ValueTask<Status> WriteAsync(long offset, IoMemory source) =>
        FitsOne(offset, source) ? rung.WriteAsync(offset, source) : EachAsync(offset, source, rung.WriteAsync);

    public ValueTask<Status> FlushAsync() => rung.FlushAsync();

    public ValueTask DisposeAsync() => rung.DisposeAsync();

    private bool FitsOne(long offset, IoMemory memory) => offset % piece + memory.Length <= piece;

    /// <summary>Ends when all have ended, with what failed first.</summary>
    private async ValueTask<Status> EachAsync(
        long offset, IoMemory memory, Func<long, IoMemory, ValueTask<Status>> operation)
    {
        var parts = new List<Task<Status>>();
        for (var done = 0; done < memory.Length;)
        {
            var length = (int)Math.Min(piece - (offset + done) % piece, memory.Length - done);
            parts.Add(operation(offset + done, memory.Slice(done, length)).AsTask());
            done += length;
        }

        var results = await Task.WhenAll(parts);
        return results.FirstOrDefault(s => !s.IsOk, Status.Ok);
    }
}
