using Microsoft.Extensions.Logging;

namespace ThreeFs.Sim.World;

/// <summary>Logs of a process become lines of the timeline; a critical one fails the run.</summary>
internal sealed class SimLogs(SimWorld world, string who) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        var text = formatter(state, exception);
        world.Timeline.Write(who, text);
        if (eventId.Name is { } name) world.Timeline.Probe($"log: {name}");
        if (eventId.Name == "ChainChanged" && text.Contains("→ LastServing", StringComparison.Ordinal))
            world.Timeline.Probe("chain: waits for its last target");
        if (logLevel == LogLevel.Critical) world.Fail(new SimFailure($"{who}: {text}"));
    }
}
