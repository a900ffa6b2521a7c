using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;

namespace ThreeFs.Cli.Bench;

/// <summary>Writes a rung's file whole, so that reads find bytes and writes overwrite.</summary>
internal static class FileFill
{
    private const int Piece = 1 << 20;

    public static async ValueTask<Status> RunAsync(IRung rung, Reactor reactor, long fileBytes, BufferPool buffers)
    {
        using var buffer = buffers.TryRent(Piece)!;
        var memory = buffer.Memory.Slice(0, Piece);
        new SeededRandom(1).NextBytes(memory.Span);
        await reactor.SwitchTo();
        for (long offset = 0; offset < fileBytes; offset += memory.Length)
        {
            var status = await rung.WriteAsync(offset, memory);
            if (!status.IsOk)
                return new Status(status.Code, $"{rung.Name}: cannot fill: {status.Message ?? status.Code.ToString()}");
        }

        return await rung.FlushAsync();
    }
}
