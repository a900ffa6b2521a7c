"""What key-value caches and loaders do with the Python package: pages of one large file written and read by offset, results by
userdata, whole files, children. Usage: usrbio_python.py MOUNT. Prints "ok", or fails."""

import datetime
import errno
import multiprocessing
import os
import random
import sys
from multiprocessing.shared_memory import SharedMemory

from hf3fs_fuse.io import (
    deregister_fd, extract_mount_point, force_fsync, hardlink, h3fio, make_ioring, make_iovec, punch_hole, read_file, register_fd)

PAGE, PAGES = 64 << 10, 32


def page_of(number):
    return random.Random(number).randbytes(PAGE)


def key_value_cache(mount, path):
    """One large preallocated file; batches of pages at any offset, with a timeout."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, PAGE * 1000)
    os.fsync(fd)
    register_fd(fd)
    memory = [SharedMemory(create=True, size=PAGE * PAGES) for _ in range(2)]
    into, out_of = (make_iovec(shm, mount, 0, -1) for shm in memory)
    reads = make_ioring(mount, PAGES, for_read=True, timeout=1, numa=-1)
    writes = make_ioring(mount, PAGES, for_read=False, timeout=1, numa=-1)
    for shm in memory:
        shm.unlink()
    assert reads.entries == PAGES and h3fio.ioring.size_for_entries(100) == 13840

    places = random.Random(1).sample(range(1000), PAGES)
    for i, place in enumerate(places):
        memory[1].buf[i * PAGE:(i + 1) * PAGE] = page_of(place)
        writes.prepare(out_of[i * PAGE:(i + 1) * PAGE], False, fd, place * PAGE, userdata=("page", place))
    done = writes.submit().wait(min_results=PAGES, timeout=datetime.timedelta(seconds=60))
    assert sorted(d.userdata[1] for d in done) == sorted(places) and all(d.result == PAGE for d in done)

    for i, place in enumerate(reversed(places)):
        reads.prepare(into[i * PAGE:(i + 1) * PAGE], True, fd, place * PAGE, userdata=i)
    results = reads.submit().wait(min_results=PAGES, timeout=datetime.timedelta(seconds=60))
    assert [r.result for r in results] == [PAGE] * PAGES
    for i, place in enumerate(reversed(places)):
        assert bytes(memory[0].buf[i * PAGE:(i + 1) * PAGE]) == page_of(place), f"page {place} differs"

    try:
        reads.prepare(into[0:PAGE], False, fd, 0)
        raise AssertionError("a ring for reads took a write")
    except OSError as error:
        assert error.errno == errno.EINVAL
    assert reads.wait(min_results=1, timeout=datetime.timedelta(milliseconds=20)) == []
    assert force_fsync(fd) == 0 and force_fsync(0) < 0
    punch_hole(fd, [0], [PAGE])
    reads.prepare(into[0:10], True, fd, 0).submit().wait(min_results=1)
    assert bytes(memory[0].buf[:10]) == bytes(10)
    deregister_fd(fd)
    os.close(fd)
    for ring in (reads, writes):
        ring.destroy()
    for iov, shm in zip((into, out_of), memory):
        iov.destroy()
        shm.close()


def safetensors_writer(mount, path):
    """Writes through memoryview(iov), with a very large ring in jobs of one, and polls for at most so many results."""
    shm = SharedMemory(create=True, size=1 << 20)
    iov = make_iovec(shm, mount, block_size=0, numa=-1)
    shm.unlink()
    view = memoryview(iov.iov)
    assert (view.format, view.nbytes, view.readonly) == ("B", 1 << 20, False)
    ring = make_ioring(mount, 100 << 10, for_read=False, io_depth=-1, numa=-1)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_SYNC)
    register_fd(fd)
    piece, count = 256, 4096
    content = random.Random(3).randbytes(piece * count)
    for i in range(count):
        view[i * piece:(i + 1) * piece] = content[i * piece:(i + 1) * piece]
        ring.prepare(iov[i * piece:(i + 1) * piece], False, fd, i * piece, userdata=[i])
    submitted, done = ring.submit(), []
    while len(done) < count:
        some = submitted.wait(max_results=1000, min_results=0, timeout=datetime.timedelta(seconds=0))
        assert len(some) <= 1000
        done += some
    assert sorted(d.userdata[0] for d in done) == list(range(count)) and all(d.result == piece for d in done)
    os.truncate(fd, len(content))
    deregister_fd(fd)
    os.close(fd)
    with open(path, "rb") as file:
        assert file.read() == content
    piece = iov.iov.slice_by(view[10:20])
    assert piece.base_off == 10 and bytes(memoryview(piece)) == content[10:20] and piece.result == 0
    try:
        iov.iov.slice_by(bytearray(10))
        raise AssertionError("a buffer elsewhere was taken")
    except IndexError:
        pass
    del view, ring, iov
    shm.close()
    os.unlink(path)


def results_come_as_asked(mount, path):
    """How many results a wait answers at most, and what a timeout may be."""
    with open(path, "wb") as file:
        file.write(bytes(8192))
    fd = os.open(path, os.O_RDONLY)
    register_fd(fd)
    shm = SharedMemory(create=True, size=8192)
    iov, ring = make_iovec(shm, mount), make_ioring(mount, 16, True, 0)
    for _ in range(2):
        for i in range(8):
            ring.prepare(iov[i * 1024:(i + 1) * 1024], True, fd, i * 1024)
        ring.submit()
        assert len(ring.wait(min_results=3)) == 3
        assert len(ring.wait(min_results=2, max_results=1)) == 2
        while not ring.wait():
            pass
        assert len(ring.wait(max_results=10, min_results=2, timeout=5)) == 2
        assert ring.wait(min_results=1, timeout=0) == [] and ring.wait(min_results=1, timeout=0.01) == []
    deregister_fd(fd)
    os.close(fd)
    del ring, iov
    shm.close()
    shm.unlink()
    os.unlink(path)


def child(path, expected):
    assert read_file(path) == expected


def main(mount):
    path = f"{mount}/python-cache"
    assert extract_mount_point(mount) == mount and extract_mount_point("/") is None
    key_value_cache(mount, path)

    safetensors_writer(mount, f"{mount}/python-tensors")
    results_come_as_asked(mount, f"{mount}/python-results")

    whole = f"{mount}/python-whole"
    expected = random.Random(2).randbytes(5_000_001)
    with open(whole, "wb") as file:
        file.write(expected)
    assert read_file(whole) == expected and read_file(whole, off=4_999_999) == expected[-2:]
    blocks = []
    read_file(whole, block_size=1 << 20, cb=lambda block, offset: blocks.append((offset, bytes(block))))
    assert b"".join(b for _, b in blocks) == expected and [o for o, _ in blocks] == [i << 20 for i in range(5)]
    offsets = []
    read_file(whole, block_size=1 << 20, cb=lambda block, offset: offsets.append(offset) or (4_999_999 if len(offsets) == 2 else None))
    assert offsets == [0, 1 << 20, 4_999_999]
    read_file(whole, block_size=1 << 20, cb=lambda block, offset: offsets.append(offset) or True)
    assert len(offsets) == 4
    linked = f"{whole}.link"
    hardlink(whole, linked)
    assert os.stat(linked).st_nlink == 2

    context = multiprocessing.get_context("fork")
    children = [context.Process(target=child, args=(whole, expected)) for _ in range(3)]
    for process in children:
        process.start()
    for process in children:
        process.join()
        assert process.exitcode == 0
    for name in (path, whole, linked):
        os.unlink(name)
    assert sorted(os.listdir(f"{mount}/3fs-virt/iovs")) == ["submit-ios", "submit-ios.ph", "submit-ios.pl"]
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1])
