using ThreeFs.Base;
using Tomlyn;
using Tomlyn.Model;

namespace ThreeFs.Hosting.Config;

/// <summary>
/// Reads and writes a process's configuration: a TOML file whose snake_case keys are the properties of the configuration type.
/// What cannot be read is a <see cref="Status"/> that names the file, the line or key, and what would be right.
/// </summary>
public static class ConfigFile
{
    public static Result<T> Load<T>(string path)
        where T : class, new()
    {
        if (Directory.Exists(path)) return new Status(StatusCode.InvalidArgument, $"configuration {path} is a directory; name a file");
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.InvalidArgument, $"cannot read configuration {path}: {FileErrors.Why(e)}");
        }

        return Parse<T>(text, path);
    }

    /// <param name="name">Names the text in messages.</param>
    public static Result<T> Parse<T>(string text, string name)
        where T : class, new()
    {
        try
        {
            var table = TomlSerializer.Deserialize<TomlTable>(text) ?? [];
            var config = new T();
            var status = ConfigBinder.Bind(table, config, "");
            return status.IsOk ? config : new Status(status.Code, $"{name}: {status.Message}");
        }
        catch (TomlException e)
        {
            return new Status(StatusCode.InvalidArgument, $"{name} is not valid TOML: {e.Message}");
        }
    }

    /// <summary>The text that <see cref="Parse{T}"/> reads back to an equal configuration.</summary>
    public static string Format(object config) => ConfigBinder.Format(config);
}
