namespace ThreeFs.Architecture.Tests;

/// <summary>
/// Who may know whom: the project graph against allowed-edges.txt. A reference that is not written there is a decision nobody
/// took; a project that is not written there has no place yet.
/// </summary>
public sealed class ProjectGraphTests
{
    private static readonly string _listPath = Path.Combine(Repository.Root, "tests/architecture/allowed-edges.txt");

    private static readonly Dictionary<string, string[]> _allowed = File.ReadLines(_listPath)
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.Split(':', 2))
        .ToDictionary(parts => parts[0].Trim(), parts => parts[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));

    [Fact]
    public void Every_reference_is_an_allowed_edge()
    {
        var wrong = from project in Repository.ProjectReferences
                    from reference in project.Value
                    where !_allowed.GetValueOrDefault(project.Key, []).Contains(reference)
                    select $"{project.Key} -> {reference}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void Every_project_is_listed_and_every_listed_project_exists() =>
        Assert.Equal(_allowed.Keys.Order(), Repository.ProjectReferences.Keys.Order());

    [Fact]
    public void The_allowed_edges_have_no_cycle()
    {
        var done = new HashSet<string>();
        foreach (var project in _allowed.Keys) Visit(project, []);

        void Visit(string project, HashSet<string> path)
        {
            Assert.True(path.Add(project), $"cycle through {project}");
            if (done.Add(project))
            {
                foreach (var next in _allowed[project]) Visit(next, path);
            }

            path.Remove(project);
        }
    }

    [Fact]
    public void Services_never_reference_each_other()
    {
        var services = new[] { "ThreeFs.Meta", "ThreeFs.Mgmtd", "ThreeFs.Storage" };
        var wrong = from project in Repository.ProjectReferences
                    let own = services.FirstOrDefault(s => project.Key == s || project.Key.StartsWith(s + ".", StringComparison.Ordinal))
                    where own is not null
                    from reference in project.Value
                    where services.Any(s => s != own && (reference == s || reference.StartsWith(s + ".", StringComparison.Ordinal)))
                    select $"{project.Key} -> {reference}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_solution_has_every_project()
    {
        var solution = File.ReadAllText(Path.Combine(Repository.Root, "ThreeFs.sln")).Replace('\\', '/');
        var missing = Repository.ProjectFiles("libs", "services", "clients", "tests")
            .Where(p => !solution.Contains(Path.GetRelativePath(Repository.Root, p)));
        Assert.Empty(missing);
    }
}
