using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Text;
using ThreeFs.Base;
using Tomlyn.Model;

namespace ThreeFs.Hosting.Config;

/// <summary>
/// Maps TOML tables to configuration objects by property name. Known value types: string, bool, whole numbers, double,
/// <see cref="TimeSpan"/> ("500ms", "3s", "2m", "1h"), <see cref="ByteSize"/> ("1MiB"), enums by snake_case name, arrays of these,
/// string-to-string dictionaries, and nested objects. An unknown key is an error: a misspelt one must not be ignored silently.
/// </summary>
internal static class ConfigBinder
{
    private static readonly (string Suffix, double Milliseconds)[] _timeUnits = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    public static Status Bind(TomlTable table, object config, string prefix)
    {
        var properties = Properties(config.GetType()).ToDictionary(p => KeyOf(p.Name));
        foreach (var (key, value) in table)
        {
            if (!properties.TryGetValue(key, out var property))
            {
                var known = string.Join(", ", properties.Keys.Order(StringComparer.Ordinal));
                return new Status(StatusCode.InvalidArgument, $"unknown key \"{prefix}{key}\"; known keys: {known}");
            }

            if (IsNested(property.PropertyType))
            {
                if (value is not TomlTable inner) return Wrong(prefix + key, value, "a table");
                var nested = property.GetValue(config) ?? Activator.CreateInstance(property.PropertyType)!;
                var status = Bind(inner, nested, $"{prefix}{key}.");
                if (!status.IsOk) return status;
                property.SetValue(config, nested);
                continue;
            }

            if (!TryConvert(value, property.PropertyType, out var converted)) return Wrong(prefix + key, value, Describe(property.PropertyType));
            property.SetValue(config, converted);
        }

        return Status.Ok;
    }

    public static string Format(object config)
    {
        var text = new StringBuilder();
        Format(text, config, "");
        return text.ToString();
    }

    private static void Format(StringBuilder text, object config, string table)
    {
        var properties = Properties(config.GetType()).ToArray();
        foreach (var property in properties)
        {
            var value = property.GetValue(config);
            if (value is null || IsNested(property.PropertyType)) continue;
            text.Append(KeyOf(property.Name)).Append(" = ").Append(FormatValue(value)).Append('\n');
        }

        foreach (var property in properties.Where(p => IsNested(p.PropertyType)))
        {
            if (property.GetValue(config) is not { } nested) continue;
            var name = table.Length == 0 ? KeyOf(property.Name) : $"{table}.{KeyOf(property.Name)}";
            text.Append('\n').Append('[').Append(name).Append("]\n");
            Format(text, nested, name);
        }
    }

    private static string FormatValue(object value) => value switch
    {
        string s => Quote(s),
        bool b => b ? "true" : "false",
        TimeSpan t => Quote(t.TotalMilliseconds % 1000 == 0
            ? FormattableString.Invariant($"{t.TotalSeconds}s") : FormattableString.Invariant($"{t.TotalMilliseconds}ms")),
        ByteSize size => Quote(Exact(size)),
        Enum e => Quote(KeyOf(e.ToString())),
        IDictionary<string, string> map =>
            "{ " + string.Join(", ", map.Select(p => $"{Quote(p.Key)} = {Quote(p.Value)}")) + " }",
        IEnumerable items => "[" + string.Join(", ", items.Cast<object>().Select(FormatValue)) + "]",
        double d => d.ToString("0.0###############", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>In the largest unit that needs no fraction: fractions are not read back.</summary>
    private static string Exact(ByteSize size)
    {
        (string Suffix, long Factor)[] units = [("TiB", ByteSize.TiB), ("GiB", ByteSize.GiB), ("MiB", ByteSize.MiB), ("KiB", ByteSize.KiB)];
        foreach (var (suffix, factor) in units)
        {
            if (size.Bytes >= factor && size.Bytes % factor == 0) return $"{size.Bytes / factor}{suffix}";
        }

        return $"{size.Bytes}";
    }

    private static string Quote(string s)
    {
        var text = new StringBuilder("\"");
        foreach (var c in s)
        {
            if (c is '"' or '\\') text.Append('\\').Append(c);
            else if (c < ' ' || c == 0x7f) text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
            else text.Append(c);
        }

        return text.Append('"').ToString();
    }

    private static bool TryConvert(object? value, Type type, out object? result)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        result = null;
        switch (value)
        {
            case string s when type == typeof(string): result = s; return true;
            case bool b when type == typeof(bool): result = b; return true;
            case long n when type == typeof(ByteSize): result = new ByteSize(n); return n >= 0;
            case long n when type.IsPrimitive && type != typeof(bool): return TryNumber(n, type, out result);
            case double d when type == typeof(double): result = d; return true;
            case string s when type == typeof(TimeSpan): return TryTime(s, out result);
            case string s when type == typeof(ByteSize):
                var ok = ByteSize.TryParse(s, out var size);
                result = size;
                return ok;
            case string s when type.IsEnum:
                var name = Enum.GetNames(type).FirstOrDefault(n => KeyOf(n) == s);
                if (name is not null) result = Enum.Parse(type, name);
                return name is not null;
            case TomlArray array when ElementOf(type) is { } element: return TryArray(array, type, element, out result);
            case TomlTable table when type.IsAssignableFrom(typeof(Dictionary<string, string>)):
                if (table.Values.Any(v => v is not string)) return false;
                result = table.ToDictionary(p => p.Key, p => (string)p.Value);
                return true;
            default: return false;
        }
    }

    private static bool TryArray(TomlArray array, Type type, Type element, out object? result)
    {
        result = null;
        var items = Array.CreateInstance(element, array.Count);
        for (var i = 0; i < array.Count; i++)
        {
            if (!TryConvert(array[i], element, out var item)) return false;
            items.SetValue(item, i);
        }

        result = type.IsArray
            ? items
            : typeof(ImmutableCollectionsFactory).GetMethod(nameof(ImmutableCollectionsFactory.From))!
                .MakeGenericMethod(element).Invoke(null, [items]);
        return true;
    }

    private static class ImmutableCollectionsFactory
    {
        public static ImmutableArray<T> From<T>(T[] items) => ImmutableArray.Create(items);
    }

    private static bool TryNumber(long n, Type type, out object? result)
    {
        result = null;
        try
        {
            result = Convert.ChangeType(n, type, CultureInfo.InvariantCulture);
            return true;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    private static bool TryTime(string s, out object? result)
    {
        result = null;
        foreach (var (suffix, unit) in _timeUnits)
        {
            if (!s.EndsWith(suffix, StringComparison.Ordinal)) continue;
            if (!double.TryParse(s.AsSpan(0, s.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var n))
                continue;
            if (n * unit > TimeSpan.MaxValue.TotalMilliseconds / 2) return false;
            result = TimeSpan.FromMilliseconds(n * unit);
            return true;
        }

        return false;
    }

    private static Status Wrong(string key, object? value, string expected) =>
        new(StatusCode.InvalidArgument, $"key \"{key}\" = {Print(value)} is not {expected}");

    private static string Print(object? value) => value switch
    {
        string s => Quote(s),
        TomlTable => "a table",
        TomlArray => "an array",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "nothing",
    };

    private static string Describe(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return "a text in quotes";
        if (type == typeof(bool)) return "true or false";
        if (type == typeof(TimeSpan)) return "a time such as \"500ms\", \"3s\" or \"1h\"";
        if (type == typeof(ByteSize)) return "a size such as \"64KiB\" or \"1GiB\"";
        if (type.IsEnum) return "one of " + string.Join(", ", Enum.GetNames(type).Select(n => Quote(KeyOf(n))));
        if (type == typeof(double)) return "a number";
        if (ElementOf(type) is { } element) return $"an array, each element {Describe(element)}";
        if (type.IsPrimitive) return $"a whole number from {Limit(type, "MinValue")} to {Limit(type, "MaxValue")}";
        return "a table of texts";
    }

    private static string Limit(Type type, string name) =>
        Convert.ToString(type.GetField(name)!.GetValue(null), CultureInfo.InvariantCulture)!;

    private static IEnumerable<PropertyInfo> Properties(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite && p.GetIndexParameters().Length == 0);

    private static Type? ElementOf(Type type) =>
        type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>) ? type.GetGenericArguments()[0]
        : null;

    private static bool IsNested(Type type) =>
        type.IsClass && type != typeof(string) && !type.IsArray && !typeof(IEnumerable).IsAssignableFrom(type);

    /// <summary>"DataDir" → "data_dir".</summary>
    internal static string KeyOf(string name)
    {
        var key = new StringBuilder(name.Length + 4);
        for (var i = 0; i < name.Length; i++)
        {
            if (char.IsUpper(name[i]) && i > 0) key.Append('_');
            key.Append(char.ToLowerInvariant(name[i]));
        }

        return key.ToString();
    }
}
