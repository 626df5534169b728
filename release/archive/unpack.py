"""Unpacking the archives of a release, trusting nothing in them."""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_IFREG
from typing import BinaryIO

from .. import tree
from ..atomic import sync_folder
from ..errors import VerificationError
from .gunzip import gunzip, largest_content
from .read_tar import Pieces, Source, members

_ENDINGS = (".tar.gz", ".zip")
_PIECE = 2**20
_MODES = {S_IFREG | mode: mode for mode in (0o644, 0o755)}
_UTF8 = 1 << 11


@dataclass(frozen=True, kw_only=True)
class _File:
    path: str
    mode: int
    pieces: Iterator[bytes]


def folder_name(archive: str) -> str | None:
    """Return the name of an archive without its ending, None for what is no archive."""
    return next((archive.removesuffix(ending) for ending in _ENDINGS if archive.endswith(ending)), None)


def unpack(archive: Path, target: Path) -> None:
    """Unpack a tar.gz or zip as this package writes them into the new folder ``target``, whole or not at all.

    Files get the mode 0644 or 0755, folders 0755, whatever the umask. Raises VerificationError for an
    archive that is damaged, of another form (links, devices, unsafe or repeated names, other modes) or
    unpacks to more than :func:`.gunzip.largest_content`, and OSError.
    """
    part = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        with archive.open("rb") as file:
            largest = largest_content(archive.stat().st_size)
            files = _zip_files(file, largest) if archive.suffix == ".zip" else _tar_files(file, largest)
            _write(files, part)
        part.chmod(0o755)
        part.rename(target)
    except VerificationError as error:
        raise VerificationError(f"{archive}: {error.problem}", error.next_step) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    sync_folder(target.parent)


def _write(files: Iterator[_File], root: Path) -> None:
    """Write into the empty folder ``root``, which nobody else can enter: no link can be in the way."""
    folders = {root}
    for one in files:
        path = root / one.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sink = path.open("xb")
        except (FileExistsError, NotADirectoryError) as error:
            # Names that differ in case only are one on some file systems.
            raise VerificationError(f"{one.path} is in it twice", "don't use it") from error
        with sink:
            for piece in one.pieces:
                sink.write(piece)
            sink.flush()
            os.fchmod(sink.fileno(), one.mode)
            os.fsync(sink.fileno())
        folders.update(parent for parent in path.parents if parent.is_relative_to(root))
    for folder in folders - {root}:
        folder.chmod(0o755)
    for folder in folders:
        sync_folder(folder)


def _tar_files(file: BinaryIO, largest: int) -> Iterator[_File]:
    source = Pieces(gunzip(file, largest))
    for member in members(source):
        if not member.folder:
            yield _File(path=member.path, mode=member.mode, pieces=_content(source, member.size))


def _content(source: Source, size: int) -> Iterator[bytes]:
    while size:
        data = source.read(min(size, _PIECE))
        if not data:
            raise VerificationError("it ends in the middle", "fetch it again")
        size -= len(data)
        yield data


def _zip_files(file: BinaryIO, largest: int) -> Iterator[_File]:
    with _damage_told():
        opened = zipfile.ZipFile(file)
    listed = opened.infolist()
    if sum(info.file_size for info in listed) > largest:
        raise VerificationError(
            f"it unpacks to more than {largest} bytes, which no archive of a release does", "don't use it"
        )
    for info in listed:
        _check_entry(info)
        yield _File(path=info.filename, mode=_MODES[info.external_attr >> 16], pieces=_zip_content(opened, info))


def _zip_content(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    # The size in the entry bounds it: the reader stops there and compares the checksum.
    with _damage_told(), opened.open(info) as content:
        while data := content.read(_PIECE):
            yield data


@contextmanager
def _damage_told() -> Iterator[None]:
    """Turn what zipfile raises for damage into a sentence."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        # OSError: it seeks to places before the file's start when it is told to.
        raise VerificationError(f"it is damaged: {error}", "fetch it again") from error


def _check_entry(info: zipfile.ZipInfo) -> None:
    tree.check_path(info.orig_filename, VerificationError)
    plain = (
        info.filename == info.orig_filename
        and info.external_attr >> 16 in _MODES
        and info.flag_bits == _UTF8
        and info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        # Either could hide the entries that follow.
        and not info.extra
        and not info.comment
    )
    if not plain:
        raise VerificationError(f"{info.filename} in it is not a plain file", "don't use it")
