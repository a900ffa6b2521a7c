"""The package threefs: batches over rings, and the fsspec file system on them. Usage: threefs_python.py MOUNT. Prints "ok", or fails."""

import errno
import os
import random
import sys
import threading

import fsspec

import hf3fs_fuse.io
from threefs.rings import Batches


def batches_read_and_write(mount):
    random_bytes = random.Random(1).randbytes
    paths = [f"{mount}/batch-{i}" for i in range(5)]
    fds = [os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC) for path in paths]
    whole = [random_bytes(n) for n in (0, 1, 70_001, 3 << 20, (5 << 20) + 3)]
    batches = Batches(mount, buffer_size=2 << 20, entries=32, piece=100_000)  # many waves
    assert batches.write([(fd, 0, data) for fd, data in zip(fds, whole)]) == [None] * 5
    for fd, path, data in zip(fds, paths, whole):
        os.fsync(fd)
        with open(path, "rb") as file:
            assert file.read() == data

    places = random.Random(2)
    requests, expected = [], []
    for _ in range(300):
        i = places.randrange(5)
        at, length = places.randrange(len(whole[i]) + 10), places.choice([0, 1, 4096, 300_000])
        requests.append((fds[i], at, length))
        expected.append(whole[i][at:at + length])
    assert batches.read(requests) == expected

    readonly = os.open(paths[1], os.O_RDONLY)
    [failed, done] = batches.write([(fds[0], 0, b"x"), (fds[0], 1, b"y")])
    assert failed is None and done is None
    try:
        batches.write([(readonly, 0, b"x")])
        raise AssertionError("a file that is open for reading was written")
    except OSError as error:
        assert error.errno == errno.EACCES
    assert batches.read([(fds[3], 0, 10)]) == [whole[3][:10]]  # nothing is left over of the failure
    batches.close()
    for fd in fds + [readonly]:
        os.close(fd)
    return paths, [b"xy"] + whole[1:]


def file_system(paths, whole):
    fs = fsspec.filesystem("threefs")
    assert type(fs).__name__ == "ThreeFsFileSystem"
    assert fs.cat_file(paths[3]) == whole[3] and fs.cat_file("threefs://" + paths[3], 5, 15) == whole[3][5:15]
    submitted = 0
    submit = hf3fs_fuse.io.ioring.submit

    def counted(ring):
        nonlocal submitted
        submitted += 1
        return submit(ring)

    hf3fs_fuse.io.ioring.submit = counted
    starts = [i * 7919 % 3_000_000 for i in range(200)]
    asked = [paths[3 + i % 2] for i in range(200)]
    found = fs.cat_ranges(asked, starts, [s + 1000 for s in starts])
    hf3fs_fuse.io.ioring.submit = submit
    assert found == [whole[3 + i % 2][s:s + 1000] for i, s in enumerate(starts)]
    assert submitted == 1, f"200 ranges went out in {submitted} batches"

    assert fs.cat_ranges([paths[2], paths[2], paths[2]], [None, -10, 5], [None, None, -5]) == [
        whole[2], whole[2][-10:], whole[2][5:-5]]
    [good, missing] = fs.cat_ranges([paths[1], paths[1] + ".none"], 0, 10)
    assert good == whole[1] and isinstance(missing, FileNotFoundError)
    try:
        fs.cat_ranges([paths[1] + ".none"], 0, 10, on_error="raise")
        raise AssertionError("a missing file was read")
    except FileNotFoundError:
        pass
    assert fs.cat(paths[:2]) == dict(zip(paths[:2], whole[:2]))
    with fs.open("threefs://" + paths[2], "rb") as file:
        assert file.read(100) == whole[2][:100]
    assert sorted(fs.ls(os.path.dirname(paths[0]), detail=False)) >= sorted(paths)
    assert fs.cat_ranges(["/proc/self/cmdline"], 0, 3)[0]  # a path on no such mount

    def other_thread():
        results.append(fs.cat_file(paths[4]))

    results = []
    threads = [threading.Thread(target=other_thread) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [whole[4]] * 4
    child = os.fork()
    if child == 0:
        os._exit(0 if fs.cat_file(paths[4]) == whole[4] else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert fs.cat_file(paths[4]) == whole[4]  # the child has taken nothing with it


def main(mount):
    paths, whole = batches_read_and_write(mount)
    file_system(paths, whole)
    for path in paths:
        os.unlink(path)
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1])
