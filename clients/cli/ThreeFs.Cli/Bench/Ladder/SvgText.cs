using System.Security;
using System.Text;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>A picture (SVG) of rectangles and texts on white.</summary>
internal sealed class SvgText(int width, int height)
{
    private readonly StringBuilder _shapes = new();

    /// <param name="title">What a pointer over it shows; null: nothing.</param>
    public void Rectangle(int x, int y, int width, int height, string fill, string? title = null)
    {
        _shapes.Append($"<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"");
        _shapes.Append(title is null ? "/>\n" : $"><title>{SecurityElement.Escape(title)}</title></rect>\n");
    }

    /// <param name="anchor">Which part of the text lies at x: start, middle or end.</param>
    public void Text(int x, int y, string text, string anchor) => _shapes.Append(
        $"<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{SecurityElement.Escape(text)}</text>\n");

    public override string ToString() =>
        $"""
        <svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif"
            font-size="12">
        <rect width="{width}" height="{height}" fill="white"/>
        {_shapes}</svg>

        """;
}
