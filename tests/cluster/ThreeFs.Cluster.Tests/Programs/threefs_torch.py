"""threefs.data and threefs.checkpoint. Where PyTorch is installed, with it; otherwise with a stand-in of the parts that they use, which says
nothing about PyTorch itself. Usage: threefs_torch.py MOUNT. Prints "ok" and which, or fails."""

import collections
import enum
import io
import os
import pickle
import random
import sys
import types


def install_stand_in():
    class Tensor:
        def __init__(self, values):
            self.values = list(values)

        def detach(self):
            return self

        cpu = clone = detach

        def narrow(self, dimension, offset, length):
            assert dimension == 0
            return Tensor(self.values[offset:offset + length])

        def copy_(self, other):
            assert len(other.values) == len(self.values)
            self.values[:] = other.values

    class Future:
        def set_result(self, value):
            self.value = value

        def wait(self):
            return self.value

    class FileSystemWriter:
        def __init__(self, path, single_file_per_rank, sync_files):
            assert single_file_per_rank and sync_files
            self.path = path

    class FileSystemReader:
        def __init__(self, path):
            self.path, self.storage_data = path, {}

    def module(name, **contents):
        made = sys.modules[name] = types.ModuleType(name)
        made.__dict__.update(contents)

    module("torch", Tensor=Tensor, uint8="uint8", frombuffer=lambda data, dtype: Tensor(data), tensor=Tensor,
           save=lambda tensor, stream: pickle.dump(tensor.values, stream),
           load=lambda stream, map_location, weights_only: Tensor(pickle.load(stream)))
    module("torch.utils")
    module("torch.utils.data", Dataset=object)
    module("torch.distributed")
    module("torch.distributed.checkpoint")
    module("torch.distributed.checkpoint.filesystem", FileSystemReader=FileSystemReader, FileSystemWriter=FileSystemWriter,
           _StorageInfo=collections.namedtuple("_StorageInfo", "relative_path offset length"))
    module("torch.distributed.checkpoint.planner", LoadItemType=enum.Enum("LoadItemType", "TENSOR BYTE_IO"),
           WriteItemType=enum.Enum("WriteItemType", "TENSOR SHARD BYTE_IO"))
    module("torch.distributed.checkpoint.storage", WriteResult=collections.namedtuple("WriteResult", "index size_in_bytes storage_data"))
    module("torch.futures", Future=Future)


try:
    import torch
    import torch.distributed.checkpoint.planner
    IS_REAL = True
except ImportError:
    for missing in ("threefs.data", "threefs.checkpoint"):
        try:
            __import__(missing)
            raise AssertionError(f"{missing} was imported without PyTorch")
        except ImportError as error:
            assert "PyTorch" in str(error)
    install_stand_in()
    import torch
    IS_REAL = False

from threefs.checkpoint import ThreeFsReader, ThreeFsWriter
from threefs.data import RecordDataset


def dataset(mount):
    paths, records, size = [], [], 1000
    for i, count in enumerate((10, 0, 333)):
        paths.append(f"{mount}/torch-{i}")
        content = random.Random(i).randbytes(count * size + 17)
        records += [content[at * size:(at + 1) * size] for at in range(count)]
        with open(paths[-1], "wb") as file:
            file.write(content)
    found = RecordDataset(paths, size, transform=bytes)
    assert len(found) == 343 and found[0] == records[0] and found[-1] == records[-1]
    order = random.Random(9).sample(range(343), 343)
    assert found.__getitems__(order) == [records[i] for i in order]
    try:
        found[343]
        raise AssertionError("a record that is not there")
    except IndexError:
        pass
    child = os.fork()
    if child == 0:
        os._exit(0 if pickle.loads(pickle.dumps(RecordDataset(paths, size)))[12] is not None and found[12] == records[12] else 1)
    assert os.waitpid(child, 0)[1] == 0
    for path in paths:
        os.unlink(path)


def checkpoint_with_stand_in(directory):
    planner_module = sys.modules["torch.distributed.checkpoint.planner"]
    write, load = planner_module.WriteItemType, planner_module.LoadItemType
    item = types.SimpleNamespace
    tensors = {f"layer.{i}": torch.tensor(range(i, i + 5000)) for i in range(50)}

    class Saving:
        def resolve_data(self, wanted):
            return io.BytesIO(b"some bytes") if wanted.type == write.BYTE_IO else tensors[wanted.index]

    items = [item(index=name, type=write.TENSOR) for name in tensors] + [item(index="step", type=write.BYTE_IO)]
    plan = item(items=items, storage_data=item(prefix="__0_"))
    results = ThreeFsWriter(directory).write_data(plan, Saving()).wait()
    assert [r.index for r in results] == [i.index for i in items]
    assert os.stat(f"{directory}/__0_0.distcp").st_size == sum(r.size_in_bytes for r in results)

    targets = {name: torch.tensor([0] * 100) for name in tensors}
    loaded = []

    class Loading:
        def load_bytes(self, wanted, stream):
            loaded.append(stream.read())

        def resolve_tensor(self, wanted):
            return targets[wanted.storage_index]

        def commit_tensor(self, wanted, tensor):
            loaded.append(wanted.storage_index)

    reader = ThreeFsReader(directory)
    reader.storage_data = {r.index: r.storage_data for r in results}
    items = [item(storage_index=name, type=load.TENSOR, storage_offsets=[1000], lengths=[100]) for name in tensors]
    items.append(item(storage_index="step", type=load.BYTE_IO))
    reader.read_data(item(items=items), Loading()).wait()
    assert loaded == [*tensors, b"some bytes"]
    assert all(targets[name].values == tensors[name].values[1000:1100] for name in tensors)


def checkpoint_with_torch(directory):
    import torch.distributed.checkpoint as dcp

    state = {f"layer.{i}": torch.randn(100, 50) for i in range(20)} | {"step": 1000}
    dcp.save(state, storage_writer=ThreeFsWriter(directory))
    for reader in (ThreeFsReader(directory), dcp.FileSystemReader(directory)):
        found = {name: torch.zeros(100, 50) for name in state if name != "step"} | {"step": 0}
        dcp.load(found, storage_reader=reader)
        assert found["step"] == 1000 and all(torch.equal(found[n], state[n]) for n in state if n != "step")


def main(mount):
    dataset(mount)
    directory = f"{mount}/torch-checkpoint"
    os.makedirs(directory, exist_ok=True)
    (checkpoint_with_torch if IS_REAL else checkpoint_with_stand_in)(directory)
    print("ok with PyTorch" if IS_REAL else "ok with a stand-in for PyTorch")


if __name__ == "__main__":
    main(sys.argv[1])
