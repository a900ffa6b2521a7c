"""A PyTorch dataset of fixed-size records in files of a ThreeFs mount.

    from threefs.data import RecordDataset
    dataset = RecordDataset(["/mnt/threefs/part-0", "/mnt/threefs/part-1"], record_size=4096)
    loader = torch.utils.data.DataLoader(dataset, batch_size=256, shuffle=True, num_workers=4)

A loader that asks for a whole batch (PyTorch 2 does, by __getitems__) gets it with one batch over rings. Workers, forked or not, have rings
of their own.
"""

import bisect
import os

try:
    import torch
    from torch.utils.data import Dataset
except ImportError as error:
    raise ImportError("threefs.data needs PyTorch, which is not installed: see https://pytorch.org") from error

from threefs.rings import Batches, extract_mount_point

__all__ = ["RecordDataset"]


class RecordDataset(Dataset):
    """Records in the order of the files; what is left over at the end of a file is no record.

    transform gets the bytes of a record; without one a record is a tensor of uint8.
    """

    def __init__(self, paths, record_size, transform=None):
        if record_size <= 0:
            raise ValueError(f"a record has a size, not {record_size}")
        self._paths, self._record_size, self._transform = [os.fspath(p) for p in paths], record_size, transform
        self._ends, end = [], 0
        for path in self._paths:
            end += os.stat(path).st_size // record_size
            self._ends.append(end)
        self._opened = None

    def __len__(self):
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index):
        return self.__getitems__([index])[0]

    def __getitems__(self, indices):
        process, fds, mount = self._files()
        requests = []
        for index in indices:
            if not -len(self) <= index < len(self):
                raise IndexError(f"there are {len(self)} records, and not one number {index}")
            index %= len(self)
            file = bisect.bisect_right(self._ends, index)
            first = self._ends[file - 1] if file else 0
            requests.append((self._fd(fds, file), (index - first) * self._record_size, self._record_size))
        records = Batches.of(mount).read(requests)
        for index, record in zip(indices, records):
            if isinstance(record, OSError):
                raise record
            if len(record) != self._record_size:
                raise EOFError(f"record {index} has {len(record)} of {self._record_size} bytes: its file was cut")
        return [self._made(record) for record in records]

    def _made(self, record):
        return self._transform(record) if self._transform else torch.frombuffer(bytearray(record), dtype=torch.uint8)

    def _files(self):
        """Descriptors of this process by file; a forked worker opens its own."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), {}, extract_mount_point(self._paths[0])
            if self._opened[2] is None:
                raise ValueError(f"{self._paths[0]} is not on a mounted ThreeFs")
        return self._opened

    def _fd(self, fds, file):
        if file not in fds:
            fds[file] = os.open(self._paths[file], os.O_RDONLY)
        return fds[file]

    def __getstate__(self):
        return {**self.__dict__, "_opened": None}

    def __del__(self):
        opened = getattr(self, "_opened", None)
        if opened and opened[0] == os.getpid():
            for fd in opened[1].values():
                os.close(fd)
