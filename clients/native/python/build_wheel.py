"""Writes the Python package as a wheel, with the library in it; needs nothing but Python.

    python3 build_wheel.py --library libhf3fs_api_shared.so --out DIR

Installing the wheel (pip install FILE, also without a network) needs no compiler.
"""

import argparse
import base64
import hashlib
import os
import platform
import re
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES, PACKAGES = ["hf3fs_py_usrbio.py"], ["hf3fs_fuse", "threefs"]
LIBRARY = "libhf3fs_api_shared.so"
ENTRY_POINTS = "[fsspec.specs]\nthreefs = threefs.fs.ThreeFsFileSystem\n"
SUMMARY = "Requires-Python: >=3.8\nProvides-Extra: fsspec\nRequires-Dist: fsspec; extra == 'fsspec'\n"


def project(key):
    with open(os.path.join(HERE, "pyproject.toml"), encoding="utf-8") as file:
        return re.search(rf'^{key} = "(.*)"$', file.read(), re.MULTILINE).group(1)


def contents(library):
    """Name in the wheel → bytes."""
    found = {LIBRARY: library}
    for module in MODULES:
        found[module] = os.path.join(HERE, module)
    for package in PACKAGES:
        for name in sorted(os.listdir(os.path.join(HERE, package))):
            if name.endswith(".py"):
                found[f"{package}/{name}"] = os.path.join(HERE, package, name)
    for name, path in found.items():
        with open(path, "rb") as file:
            yield name, file.read()


def build(library, out):
    name, version = project("name"), project("version")
    tag = f"py3-none-linux_{platform.machine()}"
    info = f"{name}-{version}.dist-info"
    files = dict(contents(library))
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {project('description')}\n{SUMMARY}").encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: threefs\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    files[f"{info}/entry_points.txt"] = ENTRY_POINTS.encode()
    record = "".join(f"{path},sha256={digest(data)},{len(data)}\n" for path, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    os.makedirs(out, exist_ok=True)
    wheel = os.path.join(out, f"{name}-{version}-{tag}.whl")
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path)  # with a fixed date: the same sources make the same wheel
            entry.external_attr = (0o755 if path.endswith(".so") else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return wheel


def digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--library", required=True)
    parser.add_argument("--out", default=".")
    arguments = parser.parse_args()
    print(build(arguments.library, arguments.out))
