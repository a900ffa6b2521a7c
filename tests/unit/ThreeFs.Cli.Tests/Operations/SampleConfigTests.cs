using ThreeFs.Base;
using ThreeFs.Fuse;
using ThreeFs.Hosting.Config;
using ThreeFs.Meta.Server;
using ThreeFs.Mgmtd.Server;
using ThreeFs.Storage.Server;

namespace ThreeFs.Cli.Tests.Operations;

/// <summary>
/// The files in ops/config are what the processes read: valid, with every key, each key but those of the host at its default, and
/// with a comment on every key.
/// </summary>
public sealed class SampleConfigTests
{
    [Fact]
    public void Mgmtd() => Check<MgmtdConfig>("mgmtd", c => c.Validate(), "node_id", "mgmtd", "host", "http_port", "kv");

    [Fact]
    public void Meta() => Check<MetaConfig>(
        "meta", c => c.Validate(), "node_id", "mgmtd", "host", "grpc_port", "data_port", "http_port", "kv");

    [Fact]
    public void Storage() => Check<StorageConfig>(
        "storage", c => c.Validate(), "node_id", "mgmtd", "host", "data_port", "http_port", "data_paths");

    [Fact]
    public void Mount() => Check<MountConfig>("mount", c => c.Validate(), "mount_point", "mgmtd", "http_port");

    private static void Check<T>(string role, Func<T, Status> validate, params string[] ofTheHost)
        where T : class, new()
    {
        var text = SourceTree.Read($"ops/config/{role}.toml");
        var config = ConfigFile.Parse<T>(text, $"{role}.toml").Value;
        Assert.Equal(Status.Ok, validate(config));

        var defaults = Lines(ConfigFile.Format(new T()));
        var sample = Lines(ConfigFile.Format(config));
        Assert.Equal(defaults.Keys.Order(), KeysWithComment(text).Order());
        foreach (var (key, value) in defaults)
        {
            if (!ofTheHost.Contains(key)) Assert.Equal($"{key} = {value}", $"{key} = {sample[key]}");
        }
    }

    private static Dictionary<string, string> Lines(string toml) => toml.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(" = ", 2)).ToDictionary(p => p[0], p => p[1]);

    private static IEnumerable<string> KeysWithComment(string text)
    {
        foreach (var line in text.Split('\n').Where(l => l.Length > 0 && l[0] != '#'))
        {
            Assert.Matches("^[a-z_]+ = .*  # .{10,}$", line);
            yield return line.Split(" = ", 2)[0];
        }
    }
}
