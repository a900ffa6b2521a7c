using System.CommandLine;
using System.CommandLine.Parsing;

namespace ThreeFs.Cli.Output;

/// <summary>
/// What is wrong with a command line, in one sentence that names option, value and what is allowed. Exit code 2, and no
/// page of help that would push the sentence off the screen.
/// </summary>
internal static class Usage
{
    public static int Refuse(ParseResult parsed)
    {
        Console.Error.WriteLine($"threefs: {Sentence(parsed)}; see `{Path(parsed.CommandResult)} --help`");
        return 2;
    }

    internal static string Sentence(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var unknown = parsed.UnmatchedTokens.FirstOrDefault();
        if (unknown is not null && command.Subcommands.Count > 0)
            return $"{unknown} is no command of {Path(parsed.CommandResult)}: {Names(command)}";
        if (unknown is not null)
        {
            var what = unknown.StartsWith('-') ? "option" : "place for";
            return $"{Path(parsed.CommandResult)} has no {what} {unknown}";
        }

        if (command.Subcommands.Count > 0 && command.Action is null)
            return $"{Path(parsed.CommandResult)} needs a command: {Names(command)}";
        return Sentence(parsed.Errors[0]);
    }

    private static string Sentence(ParseError error) => error.SymbolResult switch
    {
        OptionResult option => OfOption(option, error.Message),
        ArgumentResult { Parent: OptionResult option } => OfOption(option, error.Message),
        ArgumentResult argument => Of(
            argument.Argument.Name, argument.Argument.ValueType, argument.Tokens, error.Message),
        _ => Plain(error.Message),
    };

    private static string OfOption(OptionResult result, string message) =>
        Of(result.Option.Name, result.Option.ValueType, result.Tokens, message);

    private static string Of(string name, Type type, IReadOnlyList<Token> given, string message)
    {
        if (given.Count == 0) return $"{name} needs a value: {Allowed(type)}";

        // The library's own sentence of a failed conversion speaks of .NET types.
        return message.Contains("System.", StringComparison.Ordinal)
            || message.Contains("expected type", StringComparison.Ordinal)
            ? $"{name} {string.Join(' ', given.Select(t => ShellText.Quote(t.Value)))}: must be {Allowed(type)}"
            : Plain(message);
    }

    private static string Plain(string message) => message.TrimEnd('.');

    private static string Allowed(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type.GetElementType() ?? type;
        if (type.IsEnum) return "one of " + string.Join(", ", Enum.GetNames(type));
        return Type.GetTypeCode(type) switch
        {
            TypeCode.Int32 => $"a whole number, at most {int.MaxValue}",
            TypeCode.UInt32 => $"a whole number from 0 to {uint.MaxValue}",
            TypeCode.Int64 or TypeCode.UInt64 => "a whole number",
            TypeCode.Double => "a number",
            TypeCode.Boolean => "true or false",
            _ => type == typeof(FileInfo) ? "the path of a file" : "a text",
        };
    }

    private static string Names(Command command) => string.Join(", ", command.Subcommands.Select(c => c.Name));

    private static string Path(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{Path(parent)} {result.Command.Name}" : "threefs";
}
