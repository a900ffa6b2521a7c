using System.Runtime.CompilerServices;
using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>The ring API on a real mount: by hand, and through the library that programs load.</summary>
[Collection(SharedClusterCollection.Name)]
public sealed class UsrbIoTests(SharedCluster shared) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("usrbio-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_program_that_speaks_the_protocol_by_hand_reads_and_writes_files()
    {
        await CompileAsync("raw_ring", "-lrt");
        Assert.Equal("ok\n", await RunAsync("raw_ring"));
        var listed = await Shell.RunAsync($"ls -a {shared.Cluster.Mount}");
        Assert.DoesNotContain("3fs-virt", listed);
    }

    [Fact]
    public async Task The_library_does_what_its_header_says()
    {
        await Shell.RunAsync($"{Harness.Cluster.ThreeFs} install-native --prefix {_directory}");
        await CompileAsync("usrbio_api", $"$(PKG_CONFIG_PATH={_directory}/lib/pkgconfig pkg-config --cflags --libs hf3fs_usrbio)");
        Assert.Equal("ok\n", await RunAsync("usrbio_api"));
        Assert.Equal("ok\n", await RunAsync("usrbio_api", "ulimit -n 64; "));

        // The example, as its head tells to build it.
        var example = $"{Examples}/read_file.c";
        await Shell.RunAsync(
            $"cd {_directory}; cc -o read_file {example} $(PKG_CONFIG_PATH={_directory}/lib/pkgconfig pkg-config --cflags --libs hf3fs_usrbio); "
            + $"head -c 5000001 /dev/zero | tr '\\0' y > {shared.Cluster.Mount}/example");
        var sum = 5_000_001L * 'y';
        Assert.Equal(
            $"5000001 bytes, sum {sum}\n", await Shell.RunAsync($"LD_LIBRARY_PATH={_directory}/lib {_directory}/read_file {shared.Cluster.Mount}/example"));
    }

    [Fact]
    public async Task A_benchmark_engine_in_Cpp_runs_its_jobs()
    {
        await Shell.RunAsync($"{Harness.Cluster.ThreeFs} install-native --prefix {_directory}");
        await Shell.RunAsync(
            $"g++ -std=c++17 -O2 -Wall -Wextra -Werror -o {_directory}/engine {Path.ChangeExtension(Source("engine"), ".cpp")} "
            + $"-I{_directory}/include -L{_directory}/lib -lhf3fs_api_shared");
        Assert.Equal("ok\n", await RunAsync("engine"));
    }

    [Fact]
    public async Task The_Python_package_does_what_caches_and_loaders_do()
    {
        await Shell.RunAsync($"{Harness.Cluster.ThreeFs} install-native --prefix {_directory}");
        var package = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Source(""))!, "../../../../clients/native/python"));
        Assert.Equal("ok\n", await Shell.RunAsync(
            $"PYTHONPATH={package} PYTHONDONTWRITEBYTECODE=1 HF3FS_USRBIO_LIB={_directory}/lib/libhf3fs_api_shared.so "
            + $"python3 {Path.ChangeExtension(Source("usrbio_python"), ".py")} {shared.Cluster.Mount}"));
    }

    /// <summary>Without a compiler and without a network; then everything is found by itself.</summary>
    [Fact]
    public async Task The_wheel_is_installed_by_pip_and_batches_what_fsspec_asks_for()
    {
        var wheel = (await Shell.RunAsync($"{Harness.Cluster.ThreeFs} build-wheel --out {_directory}")).Trim();
        const string python = "/usr/bin/python3"; // the one whose packages the system installs
        await Shell.RunAsync(
            $"{python} -m venv --system-site-packages --without-pip {_directory}/venv; "
            + $"env PATH=/nowhere {python} -m pip --python {_directory}/venv/bin/python install -q --no-index --root-user-action=ignore {wheel}");
        foreach (var program in new[] { "threefs_python", "usrbio_python" })
        {
            Assert.Equal("ok\n", await Shell.RunAsync(
                $"cd {_directory}; env -u PYTHONPATH PYTHONDONTWRITEBYTECODE=1 venv/bin/python "
                + $"{Path.ChangeExtension(Source(program), ".py")} {shared.Cluster.Mount}"));
        }

        // With a stand-in where PyTorch is not installed, as on the machines that run this.
        Assert.StartsWith("ok with ", await Shell.RunAsync(
            $"cd {_directory}; env -u PYTHONPATH PYTHONDONTWRITEBYTECODE=1 venv/bin/python "
            + $"{Path.ChangeExtension(Source("threefs_torch"), ".py")} {shared.Cluster.Mount}"));

        // The examples, as their heads tell to run them.
        var directory = $"{shared.Cluster.Mount}/examples";
        Directory.CreateDirectory(directory);
        Assert.Equal("saved 9 arrays, 8388612 bytes\n", await ExampleAsync($"checkpoint.py save {directory} 8"));
        Assert.Equal("restored 9 arrays, 8388612 bytes\n", await ExampleAsync($"checkpoint.py restore {directory}"));
        Assert.Equal("128 of 160 pages found, all as they were put\n", await ExampleAsync($"kv_cache.py {directory}/pages 128"));
        Directory.Delete(directory, recursive: true);

        Task<string> ExampleAsync(string command) => Shell.RunAsync(
            $"cd {_directory}; env -u PYTHONPATH venv/bin/python {Examples}/{command} 2> errors || {{ cat errors; false; }}");
    }

    /// <summary>What a process leaves behind is cleared away: registrations, shared memory, and nothing of others.</summary>
    [Fact]
    public async Task A_killed_program_leaves_nothing_registered()
    {
        await Shell.RunAsync($"{Harness.Cluster.ThreeFs} install-native --prefix {_directory}");
        await CompileAsync("usrbio_api", $"-I{_directory}/include -L{_directory}/lib -lhf3fs_api_shared");
        var iovs = $"{shared.Cluster.Mount}/3fs-virt/iovs";
        var before = await Shell.RunAsync($"ls {iovs}");
        for (var i = 0; i < 5; i++)
        {
            // Disposing it is kill -9, in the middle of what it does.
            using var program = Shell.Start($"LD_LIBRARY_PATH={_directory}/lib exec {_directory}/usrbio_api {shared.Cluster.Mount}");
            await Shell.RunAsync($"while [ \"$(ls {iovs})\" = '{before.TrimEnd()}' ]; do sleep 0.01; done");
        }

        await Shell.RunAsync($"while [ \"$(ls {iovs})\" != '{before.TrimEnd()}' ]; do sleep 0.05; done", timeout: TimeSpan.FromSeconds(20));
        // Memory that was made and not registered yet when its process died is known to nobody.
        Assert.InRange(Directory.EnumerateFiles("/dev/shm", "hf3fs-iov-*").Count(), 0, 5);
        foreach (var left in Directory.EnumerateFiles("/dev/shm", "hf3fs-iov-*")) File.Delete(left);
        Assert.Equal("ok\n", await RunAsync("usrbio_api"));
    }

    private Task CompileAsync(string program, string options) =>
        Shell.RunAsync($"gcc -O2 -Wall -Wextra -Werror -o {_directory}/{program} {Source(program)} {options} -lpthread");

    private Task<string> RunAsync(string program, string before = "") =>
        Shell.RunAsync($"{before}LD_LIBRARY_PATH={_directory}/lib {_directory}/{program} {shared.Cluster.Mount}");

    private static string Examples =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Source(""))!, "../../../../clients/native/examples"));

    private static string Source(string program, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Programs", program + ".c");
}
