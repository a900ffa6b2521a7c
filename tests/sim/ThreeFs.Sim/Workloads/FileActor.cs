using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Sim.Checks.Names;
using ThreeFs.Sim.Nodes;

namespace ThreeFs.Sim.Workloads;

/// <summary>One thread of an application: an operation after the other, on names and on what it has open.</summary>
internal sealed class FileActor(ClientNode client, FileRecords records, NameHistory names, Func<bool> isStopping)
{
    private const int MaxOpen = 2;
    private static readonly string[] _names = ["a", "b", "c", "d"];
    private static readonly string[] _directories = ["x", "y"];

    private readonly SeededRandom _random = client.Process.Random.Fork();
    private readonly NameCalls _calls = new(client, records, names);
    private readonly List<HandleCalls> _open = [];
    private readonly List<InodeId> _places = [names.Root];

    public async Task<bool> RunAsync()
    {
        while (!isStopping())
        {
            if (_open.Count > 0 && _random.NextBool(0.6)) await _open[_random.Next(_open.Count)].StepAsync(_random);
            else await NameStepAsync();
            _open.RemoveAll(h => h.IsClosed);
            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(1, 80)), client.Process.Time);
        }

        foreach (var handle in _open) await handle.CloseAsync();
        return true;
    }

    private async Task NameStepAsync()
    {
        var draw = _random.NextDouble();
        var (place, name) = (Place(), FileName());
        if (draw < 0.35) await OpenAsync(place, name);
        else if (draw < 0.45) await _calls.LookupAsync(place, AnyName());
        else if (draw < 0.52) await _calls.ListAsync(place);
        else if (draw < 0.64) await _calls.UnlinkAsync(place, AnyName());
        else if (draw < 0.74) Learn(await _calls.MakeDirectoryAsync(names.Root, DirectoryName()));
        else if (draw < 0.80) await _calls.RemoveDirectoryAsync(names.Root, AnyName());
        else if (draw < 0.94) await RenameAsync(place);
        else if (_open.Count > 0) await _calls.LinkAsync(_open[_random.Next(_open.Count)].Inode, place, name);
    }

    private async Task OpenAsync(InodeId place, string name)
    {
        if (_open.Count >= MaxOpen)
        {
            await _open[0].CloseAsync();
            _open.RemoveAt(0);
        }

        var opened = _random.NextBool(0.7)
            ? await _calls.CreateAsync(place, name, isExclusive: _random.NextBool(0.3))
            : await _calls.OpenAsync(place, name, readsOnly: _random.NextBool(0.5), cuts: _random.NextBool(0.15));
        if (opened is not null) _open.Add(opened);
    }

    private Task RenameAsync(InodeId place)
    {
        var flags = _random.NextBool(0.7) ? RenameFlags.None : _random.NextBool(0.5) ? RenameFlags.NoReplace : RenameFlags.Exchange;
        return _random.NextBool(0.25)
            ? _calls.RenameAsync(names.Root, DirectoryName(), Place(), DirectoryName(), flags)
            : _calls.RenameAsync(place, AnyName(), Place(), AnyName(), flags);
    }

    private void Learn(InodeId? directory)
    {
        if (directory is not { } id || _places.Contains(id)) return;
        _places.Add(id);
        if (_places.Count > 4) _places.RemoveAt(1);
    }

    private InodeId Place() => _random.NextBool(0.6) ? names.Root : _places[_random.Next(_places.Count)];

    private string FileName() => _names[_random.Next(_names.Length)];

    private string DirectoryName() => _directories[_random.Next(_directories.Length)];

    private string AnyName() => _random.NextBool(0.85) ? FileName() : DirectoryName();
}
