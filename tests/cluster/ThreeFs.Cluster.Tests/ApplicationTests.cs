using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>Programs that people use work on the mount as on any file system.</summary>
[Collection(SharedClusterCollection.Name)]
public sealed class ApplicationTests(SharedCluster shared)
{
    [Fact]
    public async Task Git_clones_commits_and_checks()
    {
        var directory = shared.NewDirectory("git");
        await Shell.RunAsync(
            """
            export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
            git init -q origin && cd origin
            for c in $(seq 20); do
                for f in $(seq 20); do mkdir -p "d$f"; seq $((c * f)) > "d$f/file-$c"; done
                git add -A; git commit -qm "commit $c"
            done
            git gc -q
            cd ..
            git clone -q --no-local origin clone
            git -C clone fsck --full --strict
            git -C clone checkout -q HEAD~10 && git -C clone checkout -q - && test -z "$(git -C clone status --porcelain)"
            diff -r --exclude=.git origin clone
            """, directory);
    }

    [Fact]
    public async Task A_program_is_built_with_make()
    {
        var directory = shared.NewDirectory("make");
        await Shell.RunAsync(
            """
            for i in $(seq 40); do printf '#include <stdio.h>\nint f%d(void) { return %d; }\n' $i $i > f$i.c; done
            { for i in $(seq 40); do echo "int f$i(void);"; done
              echo '#include <stdio.h>'; echo 'int main(void) { int s = 0;'
              for i in $(seq 40); do echo "s += f$i();"; done
              echo 'printf("%d\n", s); return 0; }'; } > main.c
            printf 'OBJ := $(patsubst %%.c,%%.o,$(wildcard *.c))\nprog: $(OBJ)\n\tgcc -o $@ $^\n' > Makefile
            make -s -j4
            test "$(./prog)" = 820
            touch f7.c; make -s | grep -q . && true; test "$(./prog)" = 820
            """, directory);
    }

    [Theory]
    [InlineData("delete")]
    [InlineData("wal")]
    public async Task Sqlite_keeps_its_integrity(string journal)
    {
        var onMount = await RunSqliteAsync(journal, shared.NewDirectory("sqlite"));
        var local = Directory.CreateTempSubdirectory("sqlite-").FullName;
        Assert.Equal(await RunSqliteAsync(journal, local), onMount);
        Directory.Delete(local, recursive: true);
    }

    /// <summary>A workload that ends with the same number of rows wherever it runs.</summary>
    private static Task<string> RunSqliteAsync(string journal, string directory) => Shell.RunAsync(
        $$"""
        { echo "PRAGMA journal_mode={{journal}}; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); CREATE INDEX i ON t(v);"
          for b in $(seq 20); do
              echo "BEGIN;"
              for r in $(seq 100); do echo "INSERT INTO t(v) VALUES (randomblob($((r * 7))));"; done
              echo "COMMIT; DELETE FROM t WHERE id % 13 = $((b % 13)); UPDATE t SET v = randomblob(50) WHERE id % 17 = 3;"
          done
          echo "VACUUM;"; } > work.sql
        sqlite3 db < work.sql > /dev/null
        test "$(sqlite3 db 'PRAGMA integrity_check')" = ok
        sqlite3 db 'SELECT count(*), sum(length(v)) FROM t'
        """, directory);

    [Fact]
    public async Task A_mapped_file_shows_what_was_written()
    {
        var directory = shared.NewDirectory("mmap");
        await Shell.RunAsync(
            """
            cat > m.c <<'C'
            #include <fcntl.h>
            #include <string.h>
            #include <sys/mman.h>
            #include <unistd.h>
            int main(void) {
                int fd = open("f", O_RDWR | O_CREAT, 0644);
                if (ftruncate(fd, 3 << 20)) return 1;
                char *p = mmap(0, 3 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                if (p == MAP_FAILED) return 2;
                memset(p + 1234567, 'x', 1000);
                if (msync(p, 3 << 20, MS_SYNC)) return 3;
                char b[1000];
                if (pread(fd, b, 1000, 1234567) != 1000 || memcmp(b, p + 1234567, 1000)) return 4;
                if (pwrite(fd, "yy", 2, 9) != 2 || p[9] != 'y') return 5;
                return munmap(p, 3 << 20) || close(fd);
            }
            C
            gcc -o m m.c && ./m
            test "$(head -c 1235567 f | tail -c 1000 | tr -d x | wc -c)" = 0
            """, directory);
    }
}
