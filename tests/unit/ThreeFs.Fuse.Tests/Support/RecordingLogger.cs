using Microsoft.Extensions.Logging;

namespace ThreeFs.Fuse.Tests.Support;

internal sealed class RecordingLogger : ILogger
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock) return [.. _lines];
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel level) => true;

    public void Log<TState>(
        LogLevel level, EventId id, TState state, Exception? error, Func<TState, Exception?, string> formatter)
    {
        lock (_lock) _lines.Add($"{level}: {formatter(state, error)} {error}");
    }
}
