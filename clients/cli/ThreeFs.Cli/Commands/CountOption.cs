using System.CommandLine;
using System.Globalization;

namespace ThreeFs.Cli.Commands;

/// <summary>Options whose value is a small number of things.</summary>
internal static class CountOption
{
    /// <param name="standard">What the command takes without the option; for the description only.</param>
    public static Option<int?> Create(string name, string description, int standard, int most) => new(name)
    {
        Description = $"{description} [default: {standard}].",
        CustomParser = result =>
        {
            var given = result.Tokens[0].Value;
            if (int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                && count >= 1 && count <= most)
            {
                return count;
            }

            result.AddError($"{name} {given}: must be a whole number from 1 to {most}");
            return null;
        },
    };
}
