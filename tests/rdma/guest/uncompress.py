#!/usr/bin/env python3
"""uncompress.py BZIMAGE OUT: the kernel's ELF image out of a bzImage, which boots several seconds faster in emulation.

The header at 0x1f1 says how many sectors of set-up code come first, that at 0x248 where the payload lies behind them
(Linux' boot protocol 2.08)."""
import lzma
import struct
import subprocess
import sys
import zlib

image = open(sys.argv[1], "rb").read()
if image[0x202:0x206] != b"HdrS":
    sys.exit(f"{sys.argv[1]} is not a bzImage")
start = ((image[0x1F1] or 4) + 1) * 512
offset, length = struct.unpack_from("<II", image, 0x248)
payload = image[start + offset:start + offset + length]
if payload.startswith(b"\xfd7zXZ"):
    elf = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(payload)  # the length follows the stream
elif payload.startswith(b"\x1f\x8b"):
    elf = zlib.decompressobj(wbits=31).decompress(payload)
elif payload.startswith(b"\x28\xb5\x2f\xfd"):
    elf = subprocess.run(["zstd", "-dc"], input=payload[:-4], stdout=subprocess.PIPE, check=True).stdout
else:
    sys.exit(f"{sys.argv[1]} is compressed in an unknown way")
if not elf.startswith(b"\x7fELF"):
    sys.exit(f"{sys.argv[1]} holds no ELF image")
open(sys.argv[2], "wb").write(elf)
