"""Reading a tar as :mod:`.tar` writes it, trusting nothing in it: no other form, and nothing but files and folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from .. import tree
from ..errors import VerificationError

BLOCK = 512
_LONGEST_RECORD = 2**16
_OCTAL = re.compile(rb"[0-7]+\0")
_PATH_RECORD = re.compile(rb"([1-9][0-9]*) path=(.+)\n", re.DOTALL)
_MODES = (0o644, 0o755)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file or folder in a tar; ``start`` is where its content begins."""

    path: str
    folder: bool
    mode: int
    size: int
    start: int


class Source(Protocol):
    """The bytes of a tar, in order."""

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer only at the end."""

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes."""

    def tell(self) -> int:
        """Return how many bytes were read or passed over."""


class Pieces:
    """Pieces as one :class:`Source`."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer only at the end."""
        parts = []
        while size and (self._rest or self._next()):
            parts.append(self._rest[:size])
            self._rest = self._rest[size:]
            size -= len(parts[-1])
            self._position += len(parts[-1])
        return b"".join(parts)

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes."""
        while size and (data := self.read(min(size, BLOCK * 128))):
            size -= len(data)

    def tell(self) -> int:
        """Return how many bytes were read or passed over."""
        return self._position

    def _next(self) -> bool:
        self._rest = next((piece for piece in self._pieces if piece), b"")
        return bool(self._rest)


def members(source: Source) -> Iterator[Member]:
    """Yield the members of the tar in order; a caller may read up to ``size`` bytes of each in between.

    Raises VerificationError for what is cut off or of another form (links, devices, sparse files,
    setuid bits, records other than a path's), for unsafe names, and for two members of one name.
    """
    seen: dict[str, bool] = {}
    while (header := _block(source)) != bytes(BLOCK):
        path = None
        if header[156:157] == b"x":
            path = _long_path(source, _size(header))
            header = _block(source)
        member = _member(header, path, source.tell())
        _check_new(member, seen)
        yield member
        source.skip(member.start + member.size + -member.size % BLOCK - source.tell())
    if _block(source) != bytes(BLOCK) or source.read(1):
        raise _refused("is followed by something else")


def _member(header: bytes, long_path: str | None, start: int) -> Member:
    kind = header[156:157]
    if kind not in (b"0", b"5") or header[157:257].strip(b"\0") or header[345:].strip(b"\0"):
        raise _refused("holds something that is neither a file nor a folder")
    path = long_path or _text(header[:100].rstrip(b"\0"))
    folder = kind == b"5"
    if folder != path.endswith("/"):
        raise _refused(f"names {path!r} as what it is not")
    path = path.removesuffix("/")
    tree.check_path(path, VerificationError)
    mode, size = _number(header[100:108]), _size(header)
    if mode not in _MODES or (folder and size):
        raise _refused(f"gives {path} the mode {mode:o} and {size} bytes")
    return Member(path=path, folder=folder, mode=mode, size=size, start=start)


def _check_new(member: Member, seen: dict[str, bool]) -> None:
    """Every member has a name of its own, and no file is where another needs a folder."""
    parent, slash, _ = member.path.rpartition("/")
    if member.path in seen or (slash and not seen.get(parent)):
        raise _refused(f"has {member.path} twice, or before its folder")
    seen[member.path] = member.folder


def _block(source: Source) -> bytes:
    data = source.read(BLOCK)
    if len(data) < BLOCK:
        raise _refused("ends in the middle")
    if data == bytes(BLOCK):
        return data
    if data[257:265] != b"ustar\x0000" or _number(data[148:155]) != _checksum(data):
        raise _refused("has a damaged header")
    return data


def _checksum(header: bytes) -> int:
    """Add up the header, its checksum's own field as spaces."""
    return sum(header) - sum(header[148:156]) + 8 * ord(" ")


def _long_path(source: Source, size: int) -> str:
    if size > _LONGEST_RECORD:
        raise _refused("has a name that is too long")
    padded = source.read(size + -size % BLOCK)
    match = _PATH_RECORD.fullmatch(padded[:size])
    if match is None or int(match[1]) != size:
        raise _refused("holds a record that is not a path")
    return _text(match[2])


def _size(header: bytes) -> int:
    return _number(header[124:136])


def _number(field: bytes) -> int:
    if _OCTAL.fullmatch(field) is None:
        raise _refused("has a number of another form")
    return int(field[:-1], 8)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _refused("has a name that is not UTF-8") from None


def _refused(problem: str) -> VerificationError:
    return VerificationError(f"the tar {problem}", "don't use it")
