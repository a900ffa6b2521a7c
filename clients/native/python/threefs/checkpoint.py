"""Reader and writer of torch.distributed.checkpoint whose data moves over rings.

    import torch.distributed.checkpoint as dcp
    from threefs.checkpoint import ThreeFsReader, ThreeFsWriter
    dcp.save(state, storage_writer=ThreeFsWriter("/mnt/threefs/checkpoints/1000"))
    dcp.load(state, storage_reader=ThreeFsReader("/mnt/threefs/checkpoints/1000"))

The format is that of PyTorch's FileSystemWriter: each can read what the other has written. Each rank writes one file, as one batch, and
makes it durable; each rank reads all pieces that it needs as batches.
"""

import io
import os

try:
    import torch
    from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter, _StorageInfo
    from torch.distributed.checkpoint.planner import LoadItemType, WriteItemType
    from torch.distributed.checkpoint.storage import WriteResult
    from torch.futures import Future
except ImportError as error:
    raise ImportError("threefs.checkpoint needs PyTorch 2.2 or newer, which is not installed: see https://pytorch.org") from error

from threefs.rings import Batches, extract_mount_point

__all__ = ["ThreeFsReader", "ThreeFsWriter"]

MAX_BATCH = 256 << 20  # bytes that are in memory beside the tensors


def _raise(results):
    for result in results:
        if isinstance(result, OSError):
            raise result


class ThreeFsWriter(FileSystemWriter):
    """Arguments are those of FileSystemWriter; one file a rank, always synced."""

    def __init__(self, path, **options):
        super().__init__(path, single_file_per_rank=True, sync_files=True, **options)

    def write_data(self, plan, planner):
        name = f"{plan.storage_data.prefix}0.distcp"
        path = os.path.join(os.fspath(self.path), name)
        results, waiting, end = [], [], 0
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            batches = Batches.of(extract_mount_point(path))
            for item in plan.items:
                data = self._bytes_of(item, planner.resolve_data(item))
                results.append(WriteResult(
                    index=item.index, size_in_bytes=len(data), storage_data=_StorageInfo(name, end, len(data))))
                waiting.append((fd, end, data))
                end += len(data)
                if sum(len(d) for _, _, d in waiting) >= MAX_BATCH:
                    _raise(batches.write(waiting))
                    waiting = []
            _raise(batches.write(waiting))
            os.fsync(fd)
        finally:
            os.close(fd)
        done = Future()
        done.set_result(results)
        return done

    @staticmethod
    def _bytes_of(item, data):
        if item.type == WriteItemType.BYTE_IO:
            return data.getbuffer()
        stream = io.BytesIO()
        torch.save(data.detach().cpu().clone(), stream)
        return stream.getbuffer()


class ThreeFsReader(FileSystemReader):
    """Argument: the directory that FileSystemWriter or ThreeFsWriter has written."""

    def read_data(self, plan, planner):
        fds = {}
        try:
            items, size = [], 0
            for item in plan.items:
                info = self.storage_data[item.storage_index]
                items.append((item, info))
                size += info.length
                if size >= MAX_BATCH:
                    self._load(items, fds, planner)
                    items, size = [], 0
            self._load(items, fds, planner)
        finally:
            for fd in fds.values():
                os.close(fd)
        done = Future()
        done.set_result(None)
        return done

    def _load(self, items, fds, planner):
        if not items:
            return
        requests = []
        for _, info in items:
            path = os.path.join(os.fspath(self.path), info.relative_path)
            if path not in fds:
                fds[path] = os.open(path, os.O_RDONLY)
            requests.append((fds[path], info.offset, info.length))
        found = Batches.of(extract_mount_point(os.fspath(self.path))).read(requests)
        _raise(found)
        for (item, info), data in zip(items, found):
            if len(data) != info.length:
                raise EOFError(f"{info.relative_path} has {len(data)} of {info.length} bytes at {info.offset}")
            if item.type == LoadItemType.BYTE_IO:
                planner.load_bytes(item, io.BytesIO(data))
                continue
            tensor = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
            for dimension, (offset, length) in enumerate(zip(item.storage_offsets, item.lengths)):
                tensor = tensor.narrow(dimension, offset, length)
            target = planner.resolve_tensor(item).detach()
            target.copy_(tensor)
            planner.commit_tensor(item, target)
