"""tar and tar.gz: POSIX.1-2001 ustar headers, and a pax record where a name does not fit.

An own writer, since Python's tarfile has changed header bytes between versions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..atomic import replacing
from ..checksums import Digest, DigestWriter
from ..compression import GzipWriter, Sink
from ..errors import SourceError
from .entry import Entry, folders, ordered

_BLOCK = 512
_NAME = 100
_LARGEST = 8**11 - 1  # eleven octal digits: 8 GiB, or the year 2242


@dataclass(frozen=True, kw_only=True)
class TarDigest(Digest):
    """Digest and size of the tar inside a tar.gz: it does not depend on the compressor."""


def write_tar(entries: Iterable[Entry], sink: Sink, mtime: int) -> None:
    """Write ``entries`` and the folders they are in, sorted; owner 0:0 without names.

    ``mtime`` is in seconds since 1970, the same for all. Raises SourceError for duplicates, for files
    of 8 GiB and more, and for a file that changes meanwhile.
    """
    files = ordered(entries)
    members: dict[str, Entry | None] = dict.fromkeys(folders(files))
    members.update({entry.path: entry for entry in files})
    for path in sorted(members, key=str.encode):
        entry = members[path]
        if entry is None:
            sink.write(_headers(f"{path}/", mode=0o755, size=0, mtime=mtime, kind=b"5"))
        else:
            sink.write(_headers(path, mode=entry.mode, size=entry.size(), mtime=mtime, kind=b"0"))
            _write_content(entry, sink)
    sink.write(bytes(2 * _BLOCK))


def write_tar_gz(path: Path, entries: Iterable[Entry], mtime: int) -> TarDigest:
    """Write the tar of :func:`write_tar`, compressed, to ``path``, whole or not at all.

    Memory stays flat. Raises SourceError as :func:`write_tar` does, and OSError.
    """
    with replacing(path) as file:
        return write_gz(entries, file, mtime)


def write_gz(entries: Iterable[Entry], sink: Sink, mtime: int) -> TarDigest:
    """Write the compressed tar to ``sink``."""
    gzip = GzipWriter(sink)
    tar = DigestWriter(gzip)
    write_tar(entries, tar, mtime)
    gzip.close()
    return TarDigest(sha256=tar.digest.sha256, size=tar.digest.size)


def _write_content(entry: Entry, sink: Sink) -> None:
    size = 0
    expected = entry.size()
    for data in entry.chunks():
        sink.write(data)
        size += len(data)
    if size != expected:
        raise SourceError(f"{entry.path} changed while it was packed", "leave it alone and run again")
    sink.write(bytes(-size % _BLOCK))


def _headers(path: str, *, mode: int, size: int, mtime: int, kind: bytes) -> bytes:
    name = path.encode()
    if len(name) <= _NAME and name.isascii():
        return _header(name, mode=mode, size=size, mtime=mtime, kind=kind)
    record = _pax_record(b"path", name)
    return (
        _header(b"././@PaxHeader", mode=0o644, size=len(record), mtime=mtime, kind=b"x")
        + record
        + bytes(-len(record) % _BLOCK)
        # Readers that know no pax see this name.
        + _header(path.encode("ascii", "replace")[:_NAME], mode=mode, size=size, mtime=mtime, kind=kind)
    )


def _pax_record(key: bytes, value: bytes) -> bytes:
    """Return ``<length> <key>=<value>\\n``, where the length counts its own digits."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while length != len(body) + len(str(length)):
        length = len(body) + len(str(length))
    return str(length).encode() + body


def _header(name: bytes, *, mode: int, size: int, mtime: int, kind: bytes) -> bytes:
    """Return a ustar header block: POSIX.1-2001, pax, "ustar Interchange Format"."""
    if not (0 <= size <= _LARGEST and 0 <= mtime <= _LARGEST):
        raise SourceError(f"{name.decode()} is too large for a tar, or its time is", "split it")
    before = name.ljust(_NAME, b"\0") + _octal(mode, 8) + _octal(0, 8) * 2 + _octal(size, 12) + _octal(mtime, 12)
    after = kind + bytes(_NAME) + b"ustar\x0000" + bytes(32 + 32) + _octal(0, 8) * 2 + bytes(155 + 12)
    checksum = sum(before) + 8 * ord(" ") + sum(after)
    return before + b"%06o\0 " % checksum + after


def _octal(value: int, width: int) -> bytes:
    return b"%0*o\0" % (width - 1, value)
