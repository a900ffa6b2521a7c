using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Tests.Tables;

public sealed class HandleTableTests
{
    [Fact]
    public void Handles_are_found_until_removed_and_then_used_again()
    {
        var table = new HandleTable<string>();
        var handles = Enumerable.Range(0, 1000).Select(i => table.Add($"{i}")).ToArray();
        Assert.Equal(1000, handles.Distinct().Count());
        Assert.DoesNotContain(0ul, handles);
        for (var i = 0; i < 1000; i++) Assert.Equal($"{i}", table.Find(handles[i]));
        Assert.Equal("5", table.Remove(handles[5]));
        Assert.Null(table.Remove(handles[5]));
        Assert.Null(table.Find(handles[5]));
        Assert.Equal(999, table.Count);
        Assert.Equal(handles[5], table.Add("again"));
        Assert.Null(table.Find(0));
        Assert.Null(table.Find(ulong.MaxValue));
    }
}
