using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Session;

public sealed class CallerProcessTests
{
    [Fact]
    public async Task Groups_of_a_running_process_are_read()
    {
        using var process = Command.Start("exec setpriv --groups=7,4242 sh -c 'echo ready; exec sleep 60'");
        process.StandardOutput.ReadLine();
        Assert.Equal(new uint[] { 7, 4242 }, CallerProcess.Groups((uint)process.Id).ToArray());
        Assert.False(CallerProcess.IsBeingKilled((uint)process.Id));
        process.Kill();
        await process.WaitForExitAsync();
        Assert.Empty(CallerProcess.Groups((uint)process.Id));
        Assert.Empty(CallerProcess.Groups(0));
    }

    [Theory]
    [InlineData("4", "9", true)]
    [InlineData("4", "15", true)]
    [InlineData("4194308", "9", true)]
    [InlineData("4", "0", false)]
    [InlineData("4", "256", false)]
    [InlineData("4194304", "9", false)]
    public void A_process_that_a_signal_ends_is_told_from_one_that_ends_itself(string flags, string exitCode, bool expected)
    {
        var fields = Enumerable.Range(3, 50).Select(i => i == 3 ? "D" : i == 9 ? flags : i == 52 ? exitCode : "123");
        var stat = $"77 (a ) 9 (b) {string.Join(' ', fields)}\n";
        Assert.Equal(expected, CallerProcess.EndsBySignal(System.Text.Encoding.ASCII.GetBytes(stat)));
    }

    [Fact]
    public void Groups_are_parsed_from_the_line()
    {
        Assert.Equal(new uint[] { 4, 24 },
            CallerProcess.ParseGroups("Name:\tx\nGroups:\t4 24 \nNStgid:\t1\n"u8).ToArray());
        Assert.Empty(CallerProcess.ParseGroups("Groups:\t \n"u8));
    }
}
