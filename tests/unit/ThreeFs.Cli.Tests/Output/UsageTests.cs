using System.CommandLine.Invocation;
using ThreeFs.Cli.Commands;
using ThreeFs.Cli.Output;

namespace ThreeFs.Cli.Tests.Output;

/// <summary>A command line that cannot be understood: one sentence with option, value and what is allowed.</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("up --storage 99999999999", "--storage 99999999999: must be a whole number from 1 to 64")]
    [InlineData("up --meta abc", "--meta abc: must be a whole number from 1 to 64")]
    [InlineData("up --mgmtd 0", "--mgmtd 0: must be a whole number from 1 to 64")]
    [InlineData("up --dir ''", "--dir \"\": must be a path")]
    [InlineData("up --mount ''", "--mount \"\": must be a path")]
    [InlineData("up --mount", "--mount needs a value: a text")]
    [InlineData("up --wrong", "threefs up has no option --wrong")]
    [InlineData("down extra", "threefs down has no place for extra")]
    [InlineData("frobnicate", "frobnicate is no command of threefs: up, down")]
    [InlineData("admin frobnicate", "frobnicate is no command of threefs admin: nodes")]
    [InlineData("admin", "threefs admin needs a command: nodes")]
    [InlineData("storage --config x --log-level loud", "--log-level loud: must be one of Trace, Debug")]
    [InlineData("mgmtd", "--config needs a value: the path of a file")]
    [InlineData("admin disable-node -- -1", "NODE -1: must be a whole number from 0 to 4294967295")]
    [InlineData("admin create-target x --chain 1 --node 1", "TARGET x: must be a whole number")]
    [InlineData("bench --seconds long", "--seconds long: must be a number")]
    public void A_wrong_command_line_gets_one_sentence(string line, string sentence)
    {
        var parsed = Root.Create().Parse([.. line.Split(' ').Select(word => word == "''" ? "" : word)]);
        Assert.IsAssignableFrom<ParseErrorAction>(parsed.Action);
        var said = Usage.Sentence(parsed);
        Assert.StartsWith(sentence, said, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", said);
    }

    [Theory]
    [InlineData("/srv/cluster-1", "/srv/cluster-1")]
    [InlineData("/path with spaces", "'/path with spaces'")]
    [InlineData("/it's", @"'/it'\''s'")]
    [InlineData("", "''")]
    [InlineData("/a$b", "'/a$b'")]
    public void Words_of_printed_commands_are_quoted_for_the_shell(string word, string quoted) =>
        Assert.Equal(quoted, ShellText.Quote(word));
}
