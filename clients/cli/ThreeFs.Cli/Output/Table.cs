using System.Text;

namespace ThreeFs.Cli.Output;

/// <summary>Text in aligned columns, two spaces apart, for terminals and for grep.</summary>
internal sealed class Table(params string[] header)
{
    private readonly List<string[]> _rows = [header];

    public void Add(params string[] cells) => _rows.Add(cells);

    public override string ToString()
    {
        var widths = Enumerable.Range(0, header.Length).Select(c => _rows.Max(r => r[c].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in _rows)
        {
            for (var c = 0; c < row.Length; c++)
                text.Append(c == row.Length - 1 ? row[c] : row[c].PadRight(widths[c] + 2));
            while (text.Length > 0 && text[^1] == ' ') text.Length--;
            text.Append('\n');
        }

        return text.ToString();
    }
}
