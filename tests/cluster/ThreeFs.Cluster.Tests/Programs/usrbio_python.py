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


def child(path, expected):
    assert read_file(path) == expected


def main(mount):
    path = f"{mount}/python-cache"
    assert extract_mount_point(mount) == mount and extract_mount_point("/") is None
    key_value_cache(mount, path)

    whole = f"{mount}/python-whole"
    expected = random.Random(2).randbytes(5_000_001)
    with open(whole, "wb") as file:
        file.write(expected)
    assert read_file(whole) == expected and read_file(whole, off=4_999_999) == expected[-2:]
    blocks = []
    read_file(whole, block_size=1 << 20, cb=lambda block: blocks.append(block))
    assert b"".join(blocks) == expected and len(blocks) == 5
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
