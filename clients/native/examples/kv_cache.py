"""A cache of key-value pages as inference servers keep it: one large preallocated file, pages at fixed places, many of them read and
written by offset in one batch, without a system call for a page.

    python3 kv_cache.py FILE [PAGES [PAGE_SIZE]]       FILE on a mounted ThreeFs
"""

import collections
import hashlib
import os
import sys
import time
from multiprocessing.shared_memory import SharedMemory

from hf3fs_fuse.io import deregister_fd, extract_mount_point, make_ioring, make_iovec, register_fd

BATCH = 64


class KvCache:
    """Pages by key; the oldest ones make room. For one thread."""

    def __init__(self, path, pages, page_size):
        self.page_size = page_size
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT)
        os.ftruncate(self._fd, pages * page_size)
        register_fd(self._fd)
        mount = extract_mount_point(path)
        self._memory = SharedMemory(create=True, size=BATCH * page_size)
        self._iov = make_iovec(self._memory, mount)
        self._memory.unlink()
        self._rings = {for_read: make_ioring(mount, BATCH, for_read) for for_read in (True, False)}
        self._free, self._places = list(range(pages)), collections.OrderedDict()

    def put(self, pages):
        """Key → bytes of one page. What was there under the key is replaced."""
        for batch in _batches(list(pages.items())):
            places = []
            for i, (key, data) in enumerate(batch):
                self._memory.buf[i * self.page_size:(i + 1) * self.page_size] = data
                places.append(self._place(key))
            self._move(False, places)
            for (key, _), place in zip(batch, places):
                self._places[key] = place

    def get(self, keys):
        """The pages, None for those that are not there (any more)."""
        found = {}
        for batch in _batches([key for key in keys if key in self._places]):
            self._move(True, [self._places[key] for key in batch])
            for i, key in enumerate(batch):
                found[key] = bytes(self._memory.buf[i * self.page_size:(i + 1) * self.page_size])
        return [found.get(key) for key in keys]

    def close(self):
        deregister_fd(self._fd)
        os.close(self._fd)
        for ring in self._rings.values():
            ring.destroy()
        self._iov.destroy()
        self._memory.close()

    def _place(self, key):
        place = self._places.pop(key, None)
        if place is None:
            place = self._free.pop() if self._free else self._places.popitem(last=False)[1]
        return place

    def _move(self, for_read, places):
        ring, size = self._rings[for_read], self.page_size
        for i, place in enumerate(places):
            ring.prepare(self._iov[i * size:(i + 1) * size], for_read, self._fd, place * size)
        for done in ring.submit().wait(min_results=len(places)):
            if done.result != size:
                raise OSError(max(0, -done.result), f"a page is {done.result} and not {size} bytes")


def _batches(items):
    return [items[i:i + BATCH] for i in range(0, len(items), BATCH)]


def page_of(key, size):
    return hashlib.sha256(str(key).encode()).digest() * (size // 32)


def main(path, pages="1024", page_size=str(64 << 10)):
    pages, size = int(pages), int(page_size)
    cache = KvCache(os.path.realpath(path), pages, size)
    keys = range(pages + pages // 4)  # a quarter finds no room
    start = time.perf_counter()
    cache.put({key: page_of(key, size) for key in keys})
    put = time.perf_counter() - start
    wanted = sorted(keys, key=lambda key: hashlib.md5(str(key).encode()).digest())
    start = time.perf_counter()
    found = cache.get(wanted)
    got = time.perf_counter() - start
    for key, page in zip(wanted, found):
        assert page is None or page == page_of(key, size), f"page {key} is damaged"
    hits = sum(page is not None for page in found)
    cache.close()
    print(f"{hits} of {len(wanted)} pages found, all as they were put")
    print(f"put {len(keys) * size / put / 1e6:.0f} MB/s, get {hits * size / got / 1e6:.0f} MB/s", file=sys.stderr)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
