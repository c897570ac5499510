"""Runs PROGRAM ARGUMENT as a 32-bit process would: `int 0x80`, whose calls have other numbers and pointers of 32 bits.

Prints `errno N` where the kernel does not let it.
"""

import ctypes
import struct
import sys

# `mmap(2)`: readable, writable and executable; private, anonymous, fixed.
PROTECTION, FLAGS = 7, 0x32
# Below 4 GiB, where nothing of a Python lies.
AT = 0x10000000
PATH, ARGUMENT, LIST = AT + 0x100, AT + 0x800, AT + 0xE00
EXECVE = 11


def immediate(opcode: int, value: int) -> bytes:
    return struct.pack("<BI", opcode, value)


def main() -> None:
    path, argument = (text.encode() + b"\0" for text in sys.argv[1:3])
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    assert libc.mmap(AT, 4096, PROTECTION, FLAGS, -1, 0) == AT
    # push rbx; mov eax, EXECVE; mov ebx, PATH; mov ecx, LIST; xor edx, edx; int 0x80; pop rbx; ret
    code = b"\x53" + immediate(0xB8, EXECVE) + immediate(0xBB, PATH) + immediate(0xB9, LIST)
    code += b"\x31\xd2\xcd\x80\x5b\xc3"
    arguments = struct.pack("<III", PATH, ARGUMENT, 0)
    for place, content in ((AT, code), (PATH, path), (ARGUMENT, argument), (LIST, arguments)):
        ctypes.memmove(place, content, len(content))
    print("errno", -ctypes.CFUNCTYPE(ctypes.c_int)(AT)(), flush=True)


main()
