"""The ring API of a ThreeFs mount (USRBIO), over libhf3fs_api_shared.so; no compiler and no other package needed.

    from multiprocessing.shared_memory import SharedMemory
    from hf3fs_fuse.io import extract_mount_point, make_iovec, make_ioring, register_fd

    shm = SharedMemory(create=True, size=64 << 20)
    mount = extract_mount_point("/mnt/threefs/file")
    iov = make_iovec(shm, mount)
    shm.unlink()
    ring = make_ioring(mount, 256, for_read=True)
    register_fd(fd)
    ring.prepare(iov[0:1 << 20], True, fd, 0).submit()
    for done in ring.wait(min_results=1):
        print(done.result)                  # bytes, or a negative errno

The library is looked for in $HF3FS_USRBIO_LIB, beside this file, below its prefix, and where the system has libraries.
"""

import ctypes
import ctypes.util
import datetime
import errno
import fcntl
import os
import sys
import time
import uuid

__all__ = ["deregister_fd", "extract_mount_point", "force_fsync", "hardlink", "ioring", "iovec", "punch_hole", "register_fd"]

_FSYNC = 0x8004680B
_NAME = "libhf3fs_api_shared.so"


class _Iov(ctypes.Structure):
    _fields_ = [
        ("base", ctypes.c_void_p), ("iovh", ctypes.c_void_p), ("id", ctypes.c_char * 16), ("mount_point", ctypes.c_char * 256),
        ("size", ctypes.c_size_t), ("block_size", ctypes.c_size_t), ("numa", ctypes.c_int),
    ]


class _Ior(ctypes.Structure):
    _fields_ = [
        ("iov", _Iov), ("iorh", ctypes.c_void_p), ("mount_point", ctypes.c_char * 256), ("for_read", ctypes.c_bool),
        ("io_depth", ctypes.c_int), ("priority", ctypes.c_int), ("timeout", ctypes.c_int), ("flags", ctypes.c_uint64),
    ]


class _Cqe(ctypes.Structure):
    _fields_ = [
        ("index", ctypes.c_int32), ("reserved", ctypes.c_int32), ("result", ctypes.c_int64), ("userdata", ctypes.c_void_p),
    ]


class _TimeSpec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


assert (ctypes.sizeof(_Iov), ctypes.sizeof(_Ior), ctypes.sizeof(_Cqe)) == (312, 600, 24)


def _load():
    here = os.path.dirname(os.path.abspath(__file__))
    places = [os.environ.get("HF3FS_USRBIO_LIB"), os.path.join(here, _NAME), os.path.join(here, "../../..", _NAME)]
    places += [os.path.join(p, _NAME) for p in ("/usr/local/lib", "/usr/lib")]
    for place in places:
        if place and os.path.exists(place):
            return ctypes.CDLL(place)
    try:
        return ctypes.CDLL(_NAME)
    except OSError as error:
        raise ImportError(
            f"{_NAME} is not installed: run `./threefs install-native`, or set HF3FS_USRBIO_LIB to its path") from error


_lib = _load()
_size, _int, _u64, _text, _pointer = ctypes.c_size_t, ctypes.c_int, ctypes.c_uint64, ctypes.c_char_p, ctypes.c_void_p
for _function, _result, _arguments in [
    ("hf3fs_extract_mount_point", _int, [_pointer, _int, _text]),
    ("hf3fs_iovwrap", _int, [_pointer, _pointer, _pointer, _text, _size, _size, _int]),
    ("hf3fs_ior_size", _size, [_int]),
    ("hf3fs_iorcreate4", _int, [_pointer, _text, _int, ctypes.c_bool, _int, _int, _int, _u64]),
    ("hf3fs_iordestroy", None, [_pointer]),
    ("hf3fs_io_entries", _int, [_pointer]),
    ("hf3fs_reg_fd", _int, [_int, _u64]),
    ("hf3fs_dereg_fd", None, [_int]),
    ("hf3fs_prep_io", _int, [_pointer, _pointer, ctypes.c_bool, _pointer, _int, _size, _u64, _pointer]),
    ("hf3fs_submit_ios", _int, [_pointer]),
    ("hf3fs_wait_for_ios", _int, [_pointer, _pointer, _int, _int, _pointer]),
    ("hf3fs_hardlink", _int, [_text, _text]),
    ("hf3fs_punchhole", _int, [_int, _int, _pointer, _pointer, _size]),
]:
    getattr(_lib, _function).restype = _result
    getattr(_lib, _function).argtypes = _arguments


def _failed(number, *names):
    return OSError(number, os.strerror(number), *names)


def extract_mount_point(path):
    """The mount point above an existing path, or None when it is on no such mount."""
    found = ctypes.create_string_buffer(4096)
    length = _lib.hf3fs_extract_mount_point(found, len(found), os.fsencode(path))
    return os.fsdecode(found.value) if 0 < length <= len(found) else None


def register_fd(fd, flags=0):
    """Makes an open file known to rings. Raises OSError."""
    result = _lib.hf3fs_reg_fd(fd, flags)
    if result > 0:
        raise _failed(result)


def deregister_fd(fd):
    _lib.hf3fs_dereg_fd(fd)


def force_fsync(fd):
    """What rings wrote is on stable storage and the file's length is settled. Answers 0, or a negative errno; does not raise."""
    try:
        fcntl.ioctl(fd, _FSYNC, bytes(4))
        return 0
    except OSError as error:
        return -error.errno


def hardlink(target, link_name):
    """link(2). Raises OSError."""
    result = _lib.hf3fs_hardlink(os.fsencode(target), os.fsencode(link_name))
    if result:
        raise _failed(result, target, None, link_name)


def punch_hole(fd=None, start=(), end=(), flags=0, *, filename=None):
    """Makes ranges of a file, given by descriptor or by name, read as zeros. Raises OSError, or RuntimeError for unequal lists."""
    if len(start) != len(end):
        raise RuntimeError(f"there are {len(start)} starts and {len(end)} ends")
    file = filename if fd is None else fd
    opened = file if isinstance(file, int) else os.open(file, os.O_RDWR)
    try:
        ranges = (_size * len(start))(*start), (_size * len(end))(*end)
        result = _lib.hf3fs_punchhole(opened, len(start), ranges[0], ranges[1], flags)
    finally:
        if opened is not file:
            os.close(opened)
    if result:
        raise _failed(result)


def _address(buffer):
    """Where a writable buffer lies; it is not held on to."""
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def _exporting_type():
    """A base whose instances give memoryview() and numpy the bytes of their view. From Python 3.12 on __buffer__ does that; before, only
    types of C have the slot, so one is made through the interpreter's C API."""
    if sys.version_info >= (3, 12) or sys.implementation.name != "cpython":
        return object
    get_buffer = ctypes.pythonapi.PyObject_GetBuffer
    get_buffer.restype, get_buffer.argtypes = _int, [ctypes.py_object, _pointer, _int]
    signature = ctypes.PYFUNCTYPE(_int, ctypes.py_object, _pointer, _int)

    @signature
    def export(self, buffer, flags):
        try:
            return get_buffer(self.view, buffer, flags)
        except Exception:
            return -1  # the memory is gone; the interpreter reports it

    class Slot(ctypes.Structure):
        _fields_ = [("slot", _int), ("function", _pointer)]

    class Spec(ctypes.Structure):
        _fields_ = [
            ("name", _text), ("basicsize", _int), ("itemsize", _int), ("flags", ctypes.c_uint), ("slots", ctypes.POINTER(Slot))]

    bf_getbuffer, default_flags, is_base_type = 1, 1 << 18, 1 << 10
    slots = (Slot * 2)(Slot(bf_getbuffer, ctypes.cast(export, _pointer)), Slot(0, None))
    spec = Spec(b"hf3fs_py_usrbio._Exporting", 0, 0, default_flags | is_base_type, slots)
    make = ctypes.pythonapi.PyType_FromSpec
    make.restype, make.argtypes = ctypes.py_object, [_pointer]
    made = make(ctypes.addressof(spec))
    _kept.extend((export, slots, spec))
    return made


_kept = []  # what C keeps pointers to


class iovec(_exporting_type()):
    """Registered shared memory, or a piece of it. A slice with step 1 is a piece that shares the memory.

    memoryview(piece) gives its bytes. result and userdata tell about the last operation that was waited for on this piece.
    """

    def __init__(self, base, id, hf3fs_mount_point, block_size=0, numa=-1):
        view = memoryview(base).cast("B")
        identity = uuid.UUID(id).bytes
        self._iov = _Iov()
        self._start, self._length = _address(view), view.nbytes
        error = _lib.hf3fs_iovwrap(
            ctypes.byref(self._iov), self._start, identity, os.fsencode(hf3fs_mount_point), view.nbytes, block_size, numa)
        if error < 0:
            raise _failed(-error, hf3fs_mount_point)
        self._root, self._buffer, self.base_off = self, base, 0
        self.result, self.userdata = 0, None

    def _piece(self, offset, length):
        piece = iovec.__new__(iovec)
        piece._root, piece._buffer, piece._iov = self._root, self._buffer, self._iov
        piece._start, piece._length, piece.base_off = self._start + offset, length, self.base_off + offset
        piece.result, piece.userdata = 0, None
        return piece

    def __len__(self):
        return self._length

    def __getitem__(self, item):
        if not isinstance(item, slice):
            raise TypeError("an iovec is sliced, such as iov[0:4096]")
        start, stop, step = item.indices(self._length)
        if step != 1:
            raise ValueError("an iovec is sliced with step 1")
        return self._piece(start, max(0, stop - start))

    def slice_by(self, buffer):
        """The piece that covers a buffer inside this memory."""
        view = memoryview(buffer).cast("B")
        offset = _address(view) - self._start
        if offset < 0 or offset + view.nbytes > self._length:
            raise IndexError("the buffer does not lie in this iovec")
        return self._piece(offset, view.nbytes)

    @property
    def view(self):
        """The bytes as a memoryview."""
        return memoryview(self._buffer).cast("B")[self.base_off:self.base_off + self._length]

    def __buffer__(self, flags):  # memoryview(iovec), from Python 3.12 on
        return self.view


class ioring:
    """A ring of reads or of writes with room for so many operations. One thread prepares and submits."""

    def __init__(self, hf3fs_mount_point, entries, for_read=True, io_depth=0, priority=None, timeout=None, numa=-1, flags=0):
        self._ior, self._prepared = _Ior(), {}
        error = _lib.hf3fs_iorcreate4(
            ctypes.byref(self._ior), os.fsencode(hf3fs_mount_point), entries, for_read, io_depth, timeout or 0, numa, flags)
        if error < 0:
            raise _failed(-error, hf3fs_mount_point)
        self._results = (_Cqe * self.entries)()

    @staticmethod
    def size_for_entries(entries):
        return _lib.hf3fs_ior_size(entries)

    @property
    def entries(self):
        return _lib.hf3fs_io_entries(ctypes.byref(self._ior))

    def prepare(self, iov, read, fd, off, userdata=None):
        """Puts one operation into the ring: all of iov's bytes, at off in the file. Raises OSError; EAGAIN: the ring is full."""
        index = _lib.hf3fs_prep_io(
            ctypes.byref(self._ior), ctypes.byref(iov._iov), read, iov._start, fd, off, iov._length, None)
        if index < 0:
            raise _failed(-index)
        iov.userdata = userdata
        self._prepared[index] = iov
        return self

    def submit(self):
        error = _lib.hf3fs_submit_ios(ctypes.byref(self._ior))
        if error < 0:
            raise _failed(-error)
        return self

    def wait(self, *, max_results=0, min_results=0, timeout=None):
        """Takes results: at least min_results if they come before the timeout (a timedelta, or seconds; None: wait without end), and more
        that are ready, up to the larger of max_results, min_results and 1. Answers the prepared pieces with result and userdata set."""
        most = min(max(max_results, min_results, 1), len(self._results))
        until = None
        if timeout is not None:
            seconds = timeout.total_seconds() if isinstance(timeout, datetime.timedelta) else float(timeout)
            at = time.clock_gettime_ns(time.CLOCK_REALTIME) + int(seconds * 1e9)
            until = ctypes.byref(_TimeSpec(at // 1_000_000_000, at % 1_000_000_000))
        count = _lib.hf3fs_wait_for_ios(ctypes.byref(self._ior), self._results, most, min(min_results, most), until)
        if count < 0:
            raise _failed(-count)
        done = []
        for cqe in self._results[:count]:
            iov = self._prepared.pop(cqe.index)
            iov.result = cqe.result
            done.append(iov)
        return done

    def destroy(self):
        if self._ior.iorh:
            _lib.hf3fs_iordestroy(ctypes.byref(self._ior))

    def __del__(self):
        if getattr(self, "_ior", None) is not None:
            self.destroy()
