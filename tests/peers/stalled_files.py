"""A file system with one program, that can be opened once: who opens it again waits until this ends.

stalled_files.py PROGRAM DIRECTORY mounts it; `program` is in DIRECTORY from the line `mounted` on. Ends with its standard input.
What the kernel asks, and how it is answered: include/uapi/linux/fuse.h.
"""

import ctypes
import os
import select
import struct
import sys

ROOT, FILE = 1, 2
LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH, INIT = 1, 2, 3, 14, 15, 17, 18, 25, 26
INTERRUPT, BATCH_FORGET = 36, 42
ENOENT, ENOSYS = 2, 38
FOREVER = 3600

with open(sys.argv[1], "rb") as file:
    PROGRAM = file.read()


def attributes(node):
    is_file = node == FILE
    size, mode = (len(PROGRAM), 0o100755) if is_file else (0, 0o40755)
    return struct.pack("<6Q10I", node, size, size // 512 + 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answered(opcode, node, body):
    """What is answered: an error, or bytes."""
    if opcode == INIT:
        return struct.pack("<4I2H2I2HI28x", 7, 31, 1 << 20, 0, 16, 12, 4096, 1, 1, 0, 0)
    if opcode == LOOKUP:
        if body != b"program\0":
            return -ENOENT
        return struct.pack("<4Q2I", FILE, 0, FOREVER, FOREVER, 0, 0) + attributes(FILE)
    if opcode == GETATTR:
        return struct.pack("<Q2I", FOREVER, 0, 0) + attributes(node)
    if opcode == OPEN:
        return struct.pack("<Q2I", 1, 0, 0)
    if opcode == READ:
        offset, size = struct.unpack_from("<QI", body, 8)
        return PROGRAM[offset : offset + size]
    if opcode == STATFS:
        return struct.pack("<5Q4I24x", 1, 0, 0, 1, 0, 4096, 255, 4096, 0)
    return b"" if opcode in (RELEASE, FLUSH) else -ENOSYS


def main():
    fuse = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fuse},rootmode=40755,user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"stalled", sys.argv[2].encode(), b"fuse", 0, options.encode()) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    print("mounted", flush=True)
    opened = 0
    while True:
        ready, _, _ = select.select([fuse, sys.stdin], [], [])
        if sys.stdin in ready:
            break
        request = os.read(fuse, 1 << 20)
        _, opcode, unique, node, _, _, _, _ = struct.unpack_from("<2I2Q3II", request)
        opened += opcode == OPEN
        if opcode in (FORGET, INTERRUPT, BATCH_FORGET) or (opcode == OPEN and opened > 1):
            continue
        answer = answered(opcode, node, request[40:])
        error, data = (answer, b"") if isinstance(answer, int) else (0, answer)
        os.write(fuse, struct.pack("<IiQ", 16 + len(data), error, unique) + data)
    # Lazily: somebody may run it.
    libc.umount2(sys.argv[2].encode(), 2)


main()
