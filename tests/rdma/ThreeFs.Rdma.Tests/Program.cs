using System.Diagnostics;
using System.Reflection;

namespace ThreeFs.Rdma.Tests;

/// <summary>
/// Runs this assembly's xunit tests one after the other, in a guest where starting the test platform would take longer
/// than the tests: <c>threefs-rdma-tests ADDRESS [FILTER]</c>. Exit status 1 when one failed or none ran.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        TestAddress.Host = arguments[0];
        var filter = arguments.ElementAtOrDefault(1) ?? "";
        var passed = 0;
        var failed = 0;
        foreach (var type in typeof(Program).Assembly.GetTypes().Where(t => t is { IsAbstract: false, IsClass: true }))
        {
            foreach (var method in type.GetMethods().Where(m => m.GetCustomAttribute<FactAttribute>() is not null))
            {
                foreach (var row in RowsOf(method))
                {
                    var name = $"{type.Name}.{method.Name}({string.Join(", ", row)})";
                    if (filter.Length == 0 ? type == typeof(RdmaWireTests) : !name.Contains(filter)) continue;
                    if (await RunAsync(type, method, row, name)) passed++;
                    else failed++;
                }
            }
        }

        Console.WriteLine($"{passed} passed, {failed} failed");
        return failed == 0 && passed > 0 ? 0 : 1;
    }

    private static IEnumerable<object?[]> RowsOf(MethodInfo method)
    {
        var data = method.GetCustomAttributes<Xunit.Sdk.DataAttribute>().ToArray();
        return data.Length == 0 ? [[]] : data.SelectMany(d => d.GetData(method));
    }

    /// <summary>Emulation is slow and uneven; nothing here takes a tenth of this.</summary>
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(4);

    private static async Task<bool> RunAsync(Type type, MethodInfo method, object?[] row, string name)
    {
        var clock = Stopwatch.StartNew();
        Exception? failure = null;
        var instance = Activator.CreateInstance(type)!;
        try
        {
            if (instance is IAsyncLifetime begins) await begins.InitializeAsync();
            if (method.Invoke(instance, row) is Task task) await task.WaitAsync(_limit);
        }
        catch (Exception e)
        {
            failure = e is TargetInvocationException { InnerException: { } inner } ? inner : e;
        }

        try
        {
            if (instance is IAsyncLifetime ends) await ends.DisposeAsync();
            if (instance is IDisposable disposable) disposable.Dispose();
        }
        catch (Exception e)
        {
            failure ??= e;
        }

        Console.WriteLine($"{(failure is null ? "ok    " : "FAILED")} {name} {clock.ElapsedMilliseconds} ms");
        if (failure is not null) Console.WriteLine(failure);
        return failure is null;
    }
}
