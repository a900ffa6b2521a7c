"""Registered memory and rings: what loaders, key-value caches and checkpoint writers use."""

import enum
import os
import uuid
from multiprocessing.shared_memory import SharedMemory

import hf3fs_py_usrbio as h3fio
from hf3fs_py_usrbio import deregister_fd, extract_mount_point, force_fsync, hardlink, punch_hole, register_fd

__all__ = [
    "IorPriority", "deregister_fd", "extract_mount_point", "force_fsync", "h3fio", "hardlink", "ioring", "iovec", "make_ioring",
    "make_iovec", "punch_hole", "read_file", "register_fd",
]


class IorPriority(enum.IntEnum):
    HIGH = -1
    NORMAL = 0
    LOW = 1


_registries = {}


def _hold_registry_open(mount):
    """While a process has the registry's directory open, the mount knows that it lives, whatever pid namespace it is in."""
    key = os.getpid(), mount
    if key not in _registries:
        _registries[key] = os.open(f"{mount}/3fs-virt/iovs", os.O_RDONLY | os.O_DIRECTORY)


class iovec:
    """Shared memory of this process, registered for as long as this lives. Slices of it are what rings take."""

    def __init__(self, shm, hf3fs_mount_point, block_size=0, numa=-1):
        self.id, self._maker = str(uuid.uuid4()), os.getpid()
        decoration = f".b{block_size}" if block_size > 0 else ""
        self.link = f"{hf3fs_mount_point}/3fs-virt/iovs/{self.id}{decoration}"
        _hold_registry_open(hf3fs_mount_point)
        os.symlink(f"/dev/shm/{shm.name.lstrip('/')}", self.link)
        try:
            self.iov = h3fio.iovec(shm.buf, self.id, hf3fs_mount_point, block_size, numa)
        except BaseException:
            self.destroy()
            raise

    def __getitem__(self, item):
        return self.iov[item]

    def __len__(self):
        return len(self.iov)

    def slice_by(self, buffer):
        return self.iov.slice_by(buffer)

    def destroy(self):
        """Ends the registration; the memory stays. In a forked child, what its parent registered stays too."""
        link, self.link = self.link, None
        if link and self._maker == os.getpid():
            try:
                os.unlink(link)
            except OSError:
                pass  # the mount is gone, and with it the registration

    def __del__(self):
        if getattr(self, "link", None):
            self.destroy()


class ioring:
    """A ring; see hf3fs_py_usrbio.ioring, whose methods this has. Takes registered memory whole or in slices."""

    def __init__(self, *arguments, **options):
        self.ior = h3fio.ioring(*arguments, **options)

    size_for_entries = staticmethod(h3fio.ioring.size_for_entries)

    @property
    def entries(self):
        return self.ior.entries

    def prepare(self, iov, read, fd, off, userdata=None):
        self.ior.prepare(iov.iov if isinstance(iov, iovec) else iov, read, fd, off, userdata)
        return self

    def submit(self):
        self.ior.submit()
        return self

    def wait(self, *, max_results=0, min_results=0, timeout=None):
        return self.ior.wait(max_results=max_results, min_results=min_results, timeout=timeout)

    def destroy(self):
        self.ior.destroy()


def make_iovec(shm, hf3fs_mount_point, block_size=0, numa=-1):
    """Registers a multiprocessing.shared_memory.SharedMemory; its name may be unlinked right after."""
    return iovec(shm, hf3fs_mount_point, block_size, numa)


def make_ioring(hf3fs_mount_point, entries, for_read=True, io_depth=0, priority=None, timeout=None, numa=-1, flags=0):
    return ioring(hf3fs_mount_point, entries, for_read, io_depth, priority, timeout, numa, flags)


def read_file(fn, hf3fs_mount_point=None, block_size=1 << 30, off=0, priority=None, cb=None):
    """The bytes of a file from off on, or, with cb, its blocks one after the other: cb(block, offset) gets a memoryview that is valid
    until it returns, and answers None to go on with the next, a number for the offset to go on at, or True to stop."""
    mount = hf3fs_mount_point or extract_mount_point(fn)
    if mount is None:
        raise ValueError(f"{fn} is not on a mounted ThreeFs")
    fd = os.open(fn, os.O_RDONLY)
    try:
        return _read(fd, mount, block_size, off, priority, cb)
    finally:
        os.close(fd)


def _read(fd, mount, block_size, off, priority, cb):
    piece, depth = 1 << 20, 64
    length = max(0, os.fstat(fd).st_size - off)
    if length == 0:
        return None if cb else b""
    size = min(block_size, length)
    shm = SharedMemory(create=True, size=size)
    register_fd(fd)
    iov = ring = None
    try:
        iov = make_iovec(shm, mount)
        ring = make_ioring(mount, depth, True, 0, priority)
        parts = []
        while True:
            count = _fill(ring, iov, fd, off, size, piece)
            if count == 0:
                break
            if cb is None:
                parts.append(bytes(shm.buf[:count]))
                off += count
                continue
            answer = cb(shm.buf[:count], off)
            off += count
            if type(answer) is int:
                off = answer
            elif answer:
                return None
        return None if cb else b"".join(parts)
    finally:
        deregister_fd(fd)
        if ring is not None:
            ring.destroy()
        if iov is not None:
            iov.destroy()
        shm.unlink()
        try:
            shm.close()
        except BufferError:
            pass  # the callback kept a block: the memory goes when that does


def _fill(ring, iov, fd, off, size, piece):
    """Reads up to size bytes into the memory; how many there were."""
    at = count = under_way = 0
    while at < size or under_way:
        while at < size and under_way < ring.entries:
            end = min(size, at + piece)
            ring.prepare(iov[at:end], True, fd, off + at)
            at, under_way = end, under_way + 1
        for done in ring.submit().wait(max_results=ring.entries, min_results=1):
            under_way -= 1
            if done.result < 0:
                raise OSError(-done.result, os.strerror(-done.result))
            count = max(count, done.base_off + done.result) if done.result else count
    return count
