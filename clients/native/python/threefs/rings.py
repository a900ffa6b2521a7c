"""Batches of reads and writes: many pieces of many files go out together, and move while others are copied.

    from threefs.rings import Batches

    batches = Batches.of("/mnt/threefs")            # of this thread
    first, second = batches.read([(fd, 0, 4096), (fd, 1 << 20, 4096)])
    batches.write([(fd, 0, b"...")])
"""

import os
import threading
from multiprocessing.shared_memory import SharedMemory

from hf3fs_fuse.io import deregister_fd, extract_mount_point, force_fsync, make_ioring, make_iovec, register_fd

__all__ = ["Batches", "Registered", "extract_mount_point", "force_fsync"]

_threads = threading.local()


class Registered:
    """Descriptors that rings know while the with statement lasts. One that is registered already is left alone."""

    def __init__(self, fds):
        self._wanted, self._made = set(fds), []

    def __enter__(self):
        for fd in self._wanted:
            try:
                register_fd(fd)
                self._made.append(fd)
            except OSError as error:
                if error.errno != 22:  # EINVAL: it is known
                    self.__exit__()
                    raise
        return self

    def __exit__(self, *_):
        while self._made:
            deregister_fd(self._made.pop())


class Batches:
    """A ring for each direction and memory for both. For one thread.

    The memory has two halves: while the results in one are taken out, the other one's operations are under way.
    """

    def __init__(self, mount, buffer_size=32 << 20, entries=512, piece=1 << 20):
        self.mount, self._half, self._most = mount, buffer_size // 2, entries // 2
        self._piece = min(piece, self._half)
        self._memory = SharedMemory(create=True, size=buffer_size)
        self._iov = make_iovec(self._memory, mount)
        self._memory.unlink()
        self._rings = {}
        self._entries = entries

    @classmethod
    def of(cls, mount):
        """This thread's, in this process: forked children make their own."""
        known = getattr(_threads, "batches", None)
        if known is None or known[0] != os.getpid():
            known = _threads.batches = os.getpid(), {}
        if mount not in known[1]:
            known[1][mount] = cls(mount)
        return known[1][mount]

    def read(self, requests):
        """Reads (fd, offset, length) each. Answers bytes, fewer at the end of a file, or an OSError in the place of a failed one.
        The descriptors are open for reading on this mount; they are registered for the time."""
        requests = list(requests)
        parts = [[] for _ in requests]
        with Registered(fd for fd, _, _ in requests):
            self._run(True, self._pieces((i, fd, at, n, None) for i, (fd, at, n) in enumerate(requests)), parts)
        return [_joined(p, n) for p, (_, _, n) in zip(parts, requests)]

    def write(self, requests):
        """Writes (fd, offset, bytes-like) each. Answers None, or an OSError in the place of a failed one. What was written is durable,
        and the length shows everywhere, after fsync(2)."""
        requests = [(fd, at, memoryview(data).cast("B")) for fd, at, data in requests]
        parts = [[] for _ in requests]
        with Registered(fd for fd, _, _ in requests):
            self._run(False, self._pieces((i, fd, at, len(d), d) for i, (fd, at, d) in enumerate(requests)), parts)
        return [next((p for p in sorted(part, key=lambda p: p[0]) if isinstance(p[1], OSError)), (0, None))[1] for part in parts]

    def close(self):
        for ring in self._rings.values():
            ring.destroy()
        self._rings = {}
        self._iov.destroy()
        self._memory.close()

    def _pieces(self, requests):
        for i, fd, at, length, data in requests:
            for start in range(0, length, self._piece):
                n = min(self._piece, length - start)
                yield i, fd, at + start, n, start, data[start:start + n] if data is not None else None

    def _ring(self, for_read):
        if for_read not in self._rings:
            self._rings[for_read] = make_ioring(self.mount, self._entries, for_read, 0)
        return self._rings[for_read]

    def _run(self, for_read, pieces, parts):
        ring, waves, pieces = self._ring(for_read), [], iter(pieces)
        waiting = next(pieces, None)
        half = 0
        while waiting is not None or waves:
            if waiting is not None:
                waiting, wave = self._start(ring, for_read, half, waiting, pieces)
                waves.append(wave)
                half = 1 - half
            if len(waves) == 2 or waiting is None:
                self._finish(ring, for_read, waves, parts)

    def _start(self, ring, for_read, half, piece, pieces):
        """Fills one half; answers the first piece that found no room, and what is under way."""
        at, end, wave = half * self._half, (half + 1) * self._half, {}
        while piece is not None and len(wave) < self._most and at + piece[3] <= end:
            i, fd, offset, length, start, data = piece
            if data is not None:
                self._memory.buf[at:at + length] = data
            key = id(wave), len(wave)
            ring.prepare(self._iov[at:at + length], for_read, fd, offset, userdata=(key, i, start, length))
            wave[key] = at
            at += length
            piece = next(pieces, None)
        ring.submit()
        return piece, wave

    def _finish(self, ring, for_read, waves, parts):
        """Takes results until the oldest wave has all of its own."""
        while waves[0]:
            for done in ring.wait(max_results=self._entries, min_results=1):
                key, i, start, length = done.userdata
                at = next(wave for wave in waves if key in wave).pop(key)
                if done.result < 0:
                    parts[i].append((start, OSError(-done.result, os.strerror(-done.result))))
                elif for_read:
                    parts[i].append((start, bytes(self._memory.buf[at:at + done.result])))
                elif done.result < length:
                    parts[i].append((start, OSError(5, f"{done.result} of {length} bytes were written")))
        waves.pop(0)


def _joined(parts, length):
    """The bytes of a request from its pieces, up to the first one that is short."""
    if len(parts) == 1:
        return parts[0][1]
    whole, end = [], 0
    for start, part in sorted(parts, key=lambda p: p[0]):
        if isinstance(part, OSError):
            return part
        if start != end:
            break
        whole.append(part)
        end = start + len(part)
    return b"".join(whole)
