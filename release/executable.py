"""Where the writable data of a program begins: the little of ELF, Mach-O and PE that tells.

64 bits and little endian, as all targets of a release are.
"""

from __future__ import annotations

import mmap
import struct

# ELF: elf(5). Mach-O: mach-o/loader.h. PE: "PE Format" of the Windows documentation.
_ELF, _MACHO, _PE = b"\x7fELF\x02\x01", b"\xcf\xfa\xed\xfe", b"MZ"
_LOAD, _WRITABLE = 1, 2
_SEGMENT_64 = 0x19
_MEM_WRITE = 0x8000_0000


def data_start(program: bytes | mmap.mmap) -> int:
    """Return the offset in the file, 0 for files of another form. Raises ValueError for one that is cut off."""
    readers = {_ELF: _elf, _MACHO: _macho, _PE: _pe}
    head = bytes(program[: len(_ELF)])
    try:
        return next((read(program) for magic, read in readers.items() if head.startswith(magic)), 0)
    except struct.error as error:
        raise ValueError("the program is cut off") from error


def _elf(program: bytes | mmap.mmap) -> int:
    """The first segment that is loaded and can be written."""
    (start,) = struct.unpack_from("<Q", program, 0x20)
    size, number = struct.unpack_from("<HH", program, 0x36)
    for header in range(start, start + size * number, size or 1):
        kind, flags, offset = struct.unpack_from("<IIQ", program, header)
        if kind == _LOAD and flags & _WRITABLE:
            return int(offset)
    return 0


def _macho(program: bytes | mmap.mmap) -> int:
    """The segment ``__DATA``."""
    (number,) = struct.unpack_from("<I", program, 16)
    command = 32
    for _ in range(number):
        kind, size, name = struct.unpack_from("<II16s", program, command)
        if kind == _SEGMENT_64 and name.rstrip(b"\0") == b"__DATA":
            (offset,) = struct.unpack_from("<Q", program, command + 40)
            return int(offset)
        command += size
    return 0


def _pe(program: bytes | mmap.mmap) -> int:
    """The first section that can be written."""
    (header,) = struct.unpack_from("<I", program, 0x3C)
    (number,) = struct.unpack_from("<H", program, header + 6)
    (optional,) = struct.unpack_from("<H", program, header + 20)
    first = header + 24 + optional
    for section in range(first, first + 40 * number, 40):
        (offset,) = struct.unpack_from("<I", program, section + 20)
        (flags,) = struct.unpack_from("<I", program, section + 36)
        if flags & _MEM_WRITE:
            return int(offset)
    return 0
