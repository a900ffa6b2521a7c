using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;
using ThreeFs.Io.Files;

namespace ThreeFs.Cli.Bench;

/// <summary>A file opened with O_DIRECT: on the raw disk it is the first rung, on the mount the last.</summary>
internal sealed class FileRung : IRung
{
    private readonly DirectFile _file;

    private FileRung(string name, DirectFile file)
    {
        Name = name;
        _file = file;
    }

    public string Name { get; }

    public static Result<IRung> Open(string name, Reactor reactor, string path)
    {
        var opened = DirectFile.Open(reactor, path, DirectFileMode.CreateNew);
        return opened.TryGet(out var file) ? Result<IRung>.Of(new FileRung(name, file)) : opened.Status;
    }

    public async ValueTask<Status> ReadAsync(long offset, IoMemory destination)
    {
        var read = await _file.ReadAsync(destination, offset);
        if (!read.TryGet(out var length)) return read.Status;
        return length == destination.Length
            ? Status.Ok
            : new Status(StatusCode.IoError, $"{_file.Path}: short read at {offset}");
    }

    public ValueTask<Status> WriteAsync(long offset, IoMemory source) => _file.WriteAsync(source, offset);

    public ValueTask<Status> FlushAsync() => _file.FdatasyncAsync();

    public ValueTask DisposeAsync()
    {
        _file.Dispose();
        File.Delete(_file.Path);
        return default;
    }
}
