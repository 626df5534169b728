"""The build information of a published Go program, read from its archive."""

from __future__ import annotations

import gzip
import mmap
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from . import gobuildinfo
from .destination.protocol import Origin
from .errors import VerificationError
from .gobuildinfo import BuildInfo
from .manifest import Artifact
from .temporary import brought
from .transfer import SILENT, Meter
from .version import Version

LARGEST = 2**30
"""Bytes of an archive, and of what it unpacks to, at most."""

NEXT = "compare with --no-dependencies"
"""What to do without files that can't be read."""

_PREFERRED = "linux/amd64"


def representative(artifacts: Iterable[Artifact]) -> dict[str, Artifact]:
    """Return one tar.gz for each piece that is built per target: that for linux/amd64 where there is one.

    All targets are compiled from the same modules, apart from the few for one system only.
    """
    tars = (one for one in artifacts if one.target is not None and one.tar_digest is not None)
    ordered = sorted(tars, key=lambda one: (one.target == _PREFERRED, one.name))
    return {one.piece: one for one in ordered}


def build_info(origin: Origin, version: Version, artifact: Artifact, meter: Meter = SILENT) -> BuildInfo:
    """Download ``artifact``, check its size and digest, and read the program in it.

    Raises VerificationError when it isn't what the manifest says, or holds no Go program, and
    DestinationError.
    """
    where = f"{artifact.name} in {origin.name}"
    with brought(origin, version, artifact, meter, largest=LARGEST, otherwise=NEXT) as archive:
        try:
            return _read(archive)
        except (tarfile.TarError, EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
            raise VerificationError(f"{where} is no archive with a program", NEXT) from error
        except VerificationError as error:
            raise VerificationError(f"{where} holds no program of Go 1.18 or newer", NEXT) from error


def _read(archive: Path) -> BuildInfo:
    with tempfile.TemporaryFile(dir=archive.parent) as program:
        _unpack(archive, program)
        with mmap.mmap(program.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return gobuildinfo.parse(mapped)


def _unpack(archive: Path, program: IO[bytes]) -> None:
    """Write the first executable file of ``archive`` to ``program``. Raises ValueError when there is none."""
    # Not tarfile's own "r|gz", which stops after the first of several gzip members.
    with gzip.open(archive) as plain, tarfile.open(fileobj=_bounded(plain), mode="r|") as tar:
        for member in tar:
            if member.isfile() and member.mode & 0o111:
                content = tar.extractfile(member)
                if content is not None:
                    shutil.copyfileobj(content, program)
                    program.flush()
                    return
    raise ValueError("no executable file")


def _bounded(source: gzip.GzipFile) -> Any:  # noqa: ANN401 - a file as far as tarfile reads streams
    return _Bounded(source)


class _Bounded:
    """Reads at most :data:`LARGEST` bytes: little can unpack to a lot."""

    def __init__(self, source: gzip.GzipFile) -> None:
        self._source = source
        self._left = LARGEST

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ValueError("too large")
        return data
