"""Tars that no reader should follow, made by tools that know how, for the tests of unpacking and of bundles."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable

from release.archive import Entry, write_tar


def plain(*entries: Entry) -> bytes:
    sink = io.BytesIO()
    write_tar(entries or (Entry(path="a/b", source=b"content"), Entry(path="c", source=b"x" * 1000)), sink, 0)
    return sink.getvalue()


def by_tarfile(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as tar:
        for info, data in members:
            info.size = info.size or len(data)
            tar.addfile(info, io.BytesIO(data))
    return sink.getvalue().rstrip(b"\0") + bytes(1024 + -len(sink.getvalue().rstrip(b"\0")) % 512)


def info(name: str, **changes: object) -> tarfile.TarInfo:
    result = tarfile.TarInfo(name)
    result.mode = 0o644
    for key, value in changes.items():
        setattr(result, key, value)
    return result


def header(name: str, size: int, kind: bytes = b"0", **fields: bytes) -> bytes:
    """A header with a right checksum whatever else is in it."""
    data = bytearray(plain(Entry(path="x", source=b""))[:512])
    data[:100] = name.encode().ljust(100, b"\0")
    data[124:136] = b"%011o\0" % size
    data[156:157] = kind
    for place, value in fields.items():
        start = int(place.removeprefix("at_"))
        data[start : start + len(value)] = value
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    return bytes(data)


def long_record(size: int) -> bytes:
    """A record for the path of one file."""
    start = b"%d path=" % size
    return (start + b"d" * size)[: size - 1] + b"\n" + bytes(-size % 512)


END = bytes(1024)

HOSTILE: dict[str, Callable[[], bytes]] = {
    "symlink": lambda: by_tarfile((info("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")),
    "hardlink": lambda: by_tarfile((info("a"), b"x"), (info("b", type=tarfile.LNKTYPE, linkname="a"), b"")),
    "character device": lambda: by_tarfile((info("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), b"")),
    "block device": lambda: by_tarfile((info("disk", type=tarfile.BLKTYPE, devmajor=8), b"")),
    "fifo": lambda: by_tarfile((info("pipe", type=tarfile.FIFOTYPE), b"")),
    "contiguous": lambda: by_tarfile((info("a", type=tarfile.CONTTYPE), b"x")),
    "parent": lambda: by_tarfile((info("../escaped"), b"x")),
    "parent inside": lambda: by_tarfile((info("a/../../escaped"), b"x")),
    "absolute": lambda: header("/escaped", 0) + END,
    "backslash": lambda: header("..\\escaped", 0) + END,
    "control character": lambda: header("a\nb", 0) + END,
    "empty name": lambda: header("", 0) + END,
    "dot": lambda: header(".", 0) + END,
    "twice": lambda: header("a", 0) + header("a", 0) + END,
    "a file as a folder": lambda: header("a", 0) + header("a/b", 0) + END,
    "a folder after its file": lambda: header("a/b", 0) + header("a/", 0, b"5") + END,
    "setuid": lambda: by_tarfile((info("a", mode=0o4755), b"x")),
    "world-writable": lambda: by_tarfile((info("a", mode=0o666), b"x")),
    "GNU long name": lambda: by_tarfile((info("n" * 200), b"x"), form=tarfile.GNU_FORMAT),
    "GNU sparse": lambda: header("sparse", 0, b"S", at_483=b"%011o\0" % (8**11 - 1)) + END,
    "base-256 size": lambda: header("a", 0, at_124=b"\x80" + (2**62).to_bytes(11, "big")) + END,
    "negative size": lambda: header("a", 0, at_124=b"\xff" * 12) + END,
    "huge size": lambda: header("a", 8**11 - 1) + END,
    "sparse by pax": lambda: by_tarfile(
        (info("a", pax_headers={"GNU.sparse.size": "10000000000"}), b"x"), form=tarfile.PAX_FORMAT
    ),
    "size by pax": lambda: header("h", 20, b"x") + b"20 size=10000000000\n".ljust(512, b"\0") + header("a", 0) + END,
    "global pax": lambda: header("g", 12, b"g") + b"12 path=abc\n".ljust(512, b"\0") + header("a", 0) + END,
    "parent by pax": lambda: header("h", 14, b"x") + b"14 path=../ab\n".ljust(512, b"\0") + header("a", 0) + END,
    "wrong pax length": lambda: header("h", 12, b"x") + b"99 path=abc\n".ljust(512, b"\0") + header("a", 0) + END,
    "endless pax": lambda: header("h", 8**11 - 1, b"x") + END,
    "a name without end": lambda: header("h", 70000, b"x") + long_record(70000) + header("a", 0) + END,
    "pax for nothing": lambda: header("h", 12, b"x") + b"12 path=abc\n".ljust(512, b"\0") + END,
    "prefix": lambda: header("a", 0, at_345=b"..") + END,
    "link name": lambda: header("a", 0, at_157=b"/etc/passwd") + END,
    "folder with content": lambda: header("a/", 512, b"5") + bytes(512) + END,
    "folder that is a file": lambda: header("a", 0, b"5") + END,
    "old form": lambda: header("a", 0, at_257=b"ustar  \0") + END,
    "wrong checksum": lambda: b"b" + header("a", 0)[1:] + END,
    "not UTF-8": lambda: header("a", 0, at_0=b"\xff") + END,
    "no end": lambda: plain()[:-1024],
    "half an end": lambda: plain()[:-512],
    "something after": lambda: plain() + b"!",
    "cut in a header": lambda: plain()[:700],
    "cut in content": lambda: plain()[: 512 * 5],
    "empty": lambda: b"",
    "text": lambda: b"hello " * 1000,
}
