"""Looking into archives of two builds: tar.gz and zip, down to the header of each member."""

from __future__ import annotations

import contextlib
import gzip
import io
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from .content import parting
from .members import Member, member_differences

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, NotImplementedError)


def archive_differences(first: Path, second: Path, ending: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name of a member (empty: the archive as a whole) and how it differs, for two files with other bytes.

    ``ending`` says what they are (``.tar.gz``, ``.zip``) where their names don't; files of any other
    kind, or damaged ones, are compared as bytes.
    """
    compare = _reader(ending or first.name)
    found: list[tuple[str, str]] = []
    if compare is not None:
        try:
            found = list(compare(first, second))
        except _DAMAGED as error:
            found = [("", f"one of them is damaged: {error}")]
    yield from found
    if not found:
        with first.open("rb") as one, second.open("rb") as other:
            whole = parting(one, other)
        if whole is not None:
            yield "", whole if compare is None else f"the same files, packed in another way: {whole}"


def _reader(name: str) -> Callable[[Path, Path], Iterator[tuple[str, str]]] | None:
    if name.endswith(".tar.gz"):
        return _tars
    return _zips if name.endswith(".zip") else None


def _tars(first: Path, second: Path) -> Iterator[tuple[str, str]]:
    with _plain_tar(first) as one, _plain_tar(second) as other:
        with tarfile.open(fileobj=one) as left, tarfile.open(fileobj=other) as right:
            found = list(member_differences(_tar_members(left), _tar_members(right)))
        yield from found
        one.seek(0)
        other.seek(0)
        if not found and (whole := parting(one, other)) is not None:
            yield "", f"the tars hold the same files in another form: {whole}"


@contextlib.contextmanager
def _plain_tar(path: Path) -> Iterator[IO[bytes]]:
    """The tar of a tar.gz in a file without a name: members are read in any order, and memory stays flat."""
    with tempfile.TemporaryFile() as plain, gzip.open(path) as packed:
        shutil.copyfileobj(packed, plain, 2**20)
        plain.seek(0)
        yield plain


def _tar_members(archive: tarfile.TarFile) -> list[Member]:
    return [_tar_member(archive, info) for info in archive.getmembers()]


def _tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    about = {
        "type": info.type.decode("ascii", "replace"),
        "mode": f"{info.mode:04o}",
        "owner": f"{info.uid}:{info.gid} ({info.uname}:{info.gname})",
        "mtime": info.mtime,
        "link": info.linkname,
        "pax records": dict(info.pax_headers),
        "size": info.size,
    }
    return Member(name=info.name, about=about, open=lambda: archive.extractfile(info) or io.BytesIO())


def _zips(first: Path, second: Path) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(first) as left, zipfile.ZipFile(second) as right:
        yield from member_differences(_zip_members(left), _zip_members(right))
        if left.comment != right.comment:
            yield "", f"comment {left.comment!r} and {right.comment!r}"


def _zip_members(archive: zipfile.ZipFile) -> list[Member]:
    return [_zip_member(archive, info) for info in archive.infolist()]


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    about = {
        "made by": f"{info.create_system}, version {info.create_version}",
        "mode": f"{info.external_attr >> 16:06o}",
        "attributes": f"{info.external_attr & 0xFFFF:04x}",
        "time": "{}-{:02}-{:02} {:02}:{:02}:{:02}".format(*info.date_time),
        "method": info.compress_type,
        "flags": f"{info.flag_bits:04x}",
        "extra field": info.extra.hex(" "),
        "comment": info.comment,
        "size": info.file_size,
    }
    return Member(name=info.filename, about=about, open=lambda: archive.open(info))
