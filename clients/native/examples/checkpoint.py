"""Saves and restores a checkpoint: named arrays in one file, written and read as one batch over rings.

    python3 checkpoint.py save DIRECTORY MEBIBYTES     on a mounted ThreeFs; prints the seed of what was saved
    python3 checkpoint.py restore DIRECTORY            verifies every byte

The file is complete under its name or not there: it is written beside it, made durable, and renamed.
"""

import json
import os
import random
import sys
import time
import zlib

from threefs.rings import Batches, extract_mount_point

ALIGNMENT, HEAD = 4096, 1 << 20


def save(path, arrays):
    """arrays: name → bytes-like."""
    table, end = {}, HEAD
    for name, data in arrays.items():
        table[name] = {"offset": end, "length": len(data), "crc": zlib.crc32(data)}
        end += -(-len(data) // ALIGNMENT) * ALIGNMENT
    head = json.dumps(table).encode().ljust(HEAD)
    fd = os.open(path + ".new", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        writes = [(fd, 0, head)] + [(fd, table[name]["offset"], data) for name, data in arrays.items()]
        for error in Batches.of(extract_mount_point(path + ".new")).write(writes):
            if error:
                raise error
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(path + ".new", path)
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(directory)
    os.close(directory)


def restore(path):
    """Name → bytes; raises when something is not as it was saved."""
    batches = Batches.of(extract_mount_point(path))
    fd = os.open(path, os.O_RDONLY)
    try:
        table = json.loads(batches.read([(fd, 0, HEAD)])[0])
        found = batches.read([(fd, entry["offset"], entry["length"]) for entry in table.values()])
    finally:
        os.close(fd)
    for (name, entry), data in zip(table.items(), found):
        if isinstance(data, OSError):
            raise data
        if zlib.crc32(data) != entry["crc"]:
            raise ValueError(f"{name} of {path} is damaged")
    return dict(zip(table, found))


def layers(mebibytes):
    return {f"layer.{i}.weight": random.Random(i).randbytes(1 << 20) for i in range(mebibytes)} | {"step": b"1000"}


def main(command, directory, mebibytes="64"):
    path = os.path.join(os.path.realpath(directory), "checkpoint.bin")
    start = time.perf_counter()
    if command == "save":
        arrays = layers(int(mebibytes))
        start = time.perf_counter()
        save(path, arrays)
    else:
        arrays = restore(path)
        seconds = time.perf_counter() - start
        assert arrays == layers(len(arrays) - 1)
    size = sum(map(len, arrays.values()))
    seconds = time.perf_counter() - start if command == "save" else seconds
    print(f"{command}d {len(arrays)} arrays, {size} bytes")
    print(f"{size / seconds / 1e6:.0f} MB/s", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("save", "restore"):
        sys.exit(__doc__)
    main(*sys.argv[1:])
