using ThreeFs.Base;
using ThreeFs.Hosting.Config;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// One process of a local cluster with its configuration, whatever its type: what `up` has to know of it is its ports
/// and the addresses of the cluster managers.
/// </summary>
internal abstract class LocalRole(RoleDirectory directory, string command)
{
    public RoleDirectory Directory { get; } = directory;
    public string Name => Directory.Name;
    public string Command { get; } = command;
    public RoleProcess Process { get; } = new(directory, command);

    public abstract uint NodeId { get; }

    /// <summary>Where the process is reached for its main purpose; "-" when no configuration tells.</summary>
    public string Address => IsConfigured ? $"{LocalRoles.Loopback}:{Ports[0]}" : "-";

    /// <summary>A configuration was read or written.</summary>
    public bool IsConfigured { get; protected set; }

    /// <summary>The main one first; 0 when not chosen yet.</summary>
    public abstract int[] Ports { get; }

    /// <summary>Reads the configuration of an earlier `up`, if there is one.</summary>
    public abstract Status Load();

    public abstract void Save();

    /// <summary>
    /// Chooses ports that the configuration leaves open; nothing of a configuration that was read is changed.
    /// </summary>
    public abstract void GivePorts(Func<int> next);

    /// <summary>Replaces a port by another; answers whether the role has it.</summary>
    public abstract bool ReplacePort(int old, int with);

    public abstract void SetMgmtd(string[] addresses);
}

/// <param name="ports">The ports of a configuration, readable and writable.</param>
/// <param name="setMgmtd">Puts the cluster managers' addresses into a configuration.</param>
internal sealed class LocalRole<TConfig>(
    RoleDirectory directory, string command, TConfig fresh, Func<TConfig, uint> nodeId, PortField<TConfig>[] ports,
    Action<TConfig, string[]> setMgmtd)
    : LocalRole(directory, command)
    where TConfig : class, new()
{
    public TConfig Config { get; private set; } = fresh;

    public override uint NodeId => nodeId(Config);

    public override int[] Ports => ports.Select(p => p.Get(Config)).ToArray();

    public override Status Load()
    {
        if (!File.Exists(Directory.ConfigFile)) return Status.Ok;
        var loaded = ConfigFile.Load<TConfig>(Directory.ConfigFile);
        IsConfigured = loaded.TryGet(out var config);
        if (IsConfigured) Config = config!;
        return loaded.Status;
    }

    public override void Save()
    {
        System.IO.Directory.CreateDirectory(Directory.Path);
        ClusterDirectory.WriteDurably(Directory.ConfigFile, ConfigFile.Format(Config));
    }

    public override void GivePorts(Func<int> next)
    {
        if (IsConfigured) return;
        foreach (var port in ports) port.Set(Config, next());
        IsConfigured = true;
    }

    public override bool ReplacePort(int old, int with)
    {
        var field = ports.FirstOrDefault(p => p.Get(Config) == old);
        field?.Set(Config, with);
        return field is not null;
    }

    public override void SetMgmtd(string[] addresses) => setMgmtd(Config, addresses);
}

internal sealed record PortField<TConfig>(Func<TConfig, int> Get, Action<TConfig, int> Set);
