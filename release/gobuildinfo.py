"""What the Go linker wrote into a program: its toolchain, and the modules compiled into it.

The form is that of Go's own ``debug/buildinfo`` (readRawBuildInfo) and ``runtime/debug``
(ParseBuildInfo): a header of 32 bytes at a multiple of 16, magic first, flags in byte 15, followed
since Go 1.18 by two strings, the toolchain's version and the modules, each after its length as a
varint. A line of the second string is ``path``, ``mod``, ``dep`` or ``=>`` (what replaces the module
above) and its fields, separated by tabs.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .errors import VerificationError
from .executable import data_start

_MAGIC = b"\xff Go buildinf:"
_ALIGNMENT = 16
_HEADER = 32
_FLAGS = 15
_INLINE = 0x2
_FRAME = 16  # bytes before and after the modules that mark them for searches
_LARGEST = 2**22


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module; ``sum`` is the one of go.sum, empty where there is none. ``replacement`` was compiled in its place."""

    path: str
    version: str
    sum: str = ""
    replacement: Module | None = None

    @property
    def shown(self) -> str:
        """The version, and what stands in for the module where something does."""
        if self.replacement is None:
            return self.version
        return f"{self.version} => {self.replacement.path} {self.replacement.version}".rstrip()


@dataclass(frozen=True, kw_only=True)
class BuildInfo:
    """``path`` is the main package, ``main`` its module, ``modules`` what that depends on, sorted by path."""

    go_version: str
    path: str = ""
    main: Module | None = None
    modules: tuple[Module, ...] = ()


def parse(program: bytes | mmap.mmap) -> BuildInfo:
    """Read the build information of a program for any system. Raises VerificationError when there is none."""
    found = (_read(program, start) for start in _places(program))
    first = next((info for info in found if info is not None), None)
    if first is None:
        raise VerificationError("it holds no build information of Go 1.18 or newer", "look at how it was built")
    return first


def _places(program: bytes | mmap.mmap) -> Iterator[int]:
    try:
        # The linker puts it first among the data that can be written. That of another program embedded
        # in this one is before those, or further on.
        start = program.find(_MAGIC, data_start(program))
    except ValueError:
        return
    while start >= 0:
        if start % _ALIGNMENT == 0:
            yield start
        start = program.find(_MAGIC, start + 1)


def _read(program: bytes | mmap.mmap, start: int) -> BuildInfo | None:
    """Read the information at ``start``, None when those bytes are something else."""
    try:
        if not program[start + _FLAGS] & _INLINE:
            return None
        version, after = _string(program, start + _HEADER)
        modules, _ = _string(program, after)
        if not version.startswith(("go", "devel")) or not version.isprintable():
            return None
        return _modules(version, modules[_FRAME:-_FRAME])
    except (IndexError, ValueError):
        return None


def _string(program: bytes | mmap.mmap, start: int) -> tuple[str, int]:
    """Return the string at ``start`` and the place after it. Raises IndexError or ValueError."""
    length = shift = 0
    while True:
        byte = program[start]
        start += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift > 28:
            raise ValueError("a length without end")
    data = program[start : start + length]
    if length > _LARGEST or len(data) < length:
        raise ValueError("a string without end")
    # The frame around the modules is no text.
    return data.decode("utf-8", "surrogateescape"), start + length


def _modules(go_version: str, text: str) -> BuildInfo:
    """Raises IndexError or ValueError for lines of another form."""
    path = ""
    listed: list[tuple[str, Module]] = []
    for line in text.split("\n"):
        kind, *fields = line.split("\t")
        if kind == "path":
            (path,) = fields
        elif kind in ("mod", "dep"):
            listed.append((kind, _module(fields)))
        elif kind == "=>":
            listed[-1] = (listed[-1][0], replace(listed[-1][1], replacement=_module(fields)))
    modules = sorted((module for kind, module in listed if kind == "dep"), key=lambda module: module.path)
    return BuildInfo(
        go_version=go_version,
        path=_printable(path),
        main=next((module for kind, module in listed if kind == "mod"), None),
        modules=tuple(modules),
    )


def _module(fields: list[str]) -> Module:
    path, version, *rest = map(_printable, fields)
    return Module(path=path, version=version, sum="".join(rest))


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("no text")
    return text
