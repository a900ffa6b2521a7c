"""An fsspec file system on a ThreeFs mount.

    import fsspec
    fs = fsspec.filesystem("threefs")
    fs.cat_ranges(["/mnt/threefs/a", "/mnt/threefs/b"], [0, 100], [10, 200])

Paths are those of the mount. Reads of whole files and of ranges are batches over rings: all ranges of a cat_ranges, in however many
files, go out together. Everything else is as fsspec does it for local files; so are paths that lie on no ThreeFs mount.
"""

import os

try:
    from fsspec.implementations.local import LocalFileSystem
except ImportError as error:
    raise ImportError("threefs.fs needs fsspec, which is not installed: pip install fsspec") from error

from threefs.rings import Batches, extract_mount_point

__all__ = ["ThreeFsFileSystem"]


class ThreeFsFileSystem(LocalFileSystem):
    """Protocol "threefs"."""

    protocol = ("threefs",)

    @classmethod
    def _strip_protocol(cls, path, **options):
        if isinstance(path, list):
            return [cls._strip_protocol(p) for p in path]
        path = os.fspath(path)
        for prefix in ("threefs://", "threefs:"):
            if path.startswith(prefix):
                path = path[len(prefix):]
                break
        return LocalFileSystem._strip_protocol(path)

    def cat_file(self, path, start=None, end=None, **options):
        [found] = self.cat_ranges([path], start, end, on_error="raise")
        return found

    def cat_ranges(self, paths, starts, ends, max_gap=None, on_error="return", **options):
        """The bytes of each range, in order; start and end may be None, or count from the end when negative. With on_error "return" an
        exception stands in the place of a range that could not be read."""
        if not isinstance(paths, list):
            raise TypeError("paths is a list")
        starts = starts if isinstance(starts, (list, tuple)) else [starts] * len(paths)
        ends = ends if isinstance(ends, (list, tuple)) else [ends] * len(paths)
        if not len(paths) == len(starts) == len(ends):
            raise ValueError(f"there are {len(paths)} paths, {len(starts)} starts and {len(ends)} ends")
        answers, by_mount, files = [None] * len(paths), {}, {}
        try:
            for i, path in enumerate(map(self._strip_protocol, paths)):
                try:
                    if path not in files:
                        fd = os.open(path, os.O_RDONLY)
                        files[path] = fd, extract_mount_point(path)
                    fd, mount = files[path]
                    offset, length = _range(fd, starts[i], ends[i])
                    by_mount.setdefault(mount, []).append((i, (fd, offset, length)))
                except OSError as error:
                    answers[i] = error
            for mount, requests in by_mount.items():
                wanted = [request for _, request in requests]
                results = Batches.of(mount).read(wanted) if mount else [os.pread(fd, n, at) for fd, at, n in wanted]
                for (i, _), result in zip(requests, results):
                    answers[i] = result
        finally:
            for fd, _ in files.values():
                os.close(fd)
        if on_error == "raise":
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        return answers


def _range(fd, start, end):
    if start is None or start < 0 or end is None or end < 0:
        size = os.fstat(fd).st_size
        start = 0 if start is None else max(0, size + start) if start < 0 else start
        end = size if end is None else size + end if end < 0 else end
    return start, max(0, end - start)
