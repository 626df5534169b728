"""A file that goes to S3: its digest, and the parts it goes in."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

from ...errors import VerificationError
from .settings import Settings

MOST_PARTS = 10_000
_PIECE = 2**20


@dataclass(frozen=True, kw_only=True)
class Part:
    """Bytes ``start`` to ``start + size`` of a file; ``number`` counts from 1, as S3 does."""

    number: int
    start: int
    size: int
    sha256: bytes

    @property
    def checksum(self) -> str:
        """What S3 calls its checksum."""
        return base64.b64encode(self.sha256).decode()


@dataclass(frozen=True, kw_only=True)
class LocalFile:
    """The file at ``path``. It has no ``parts`` when it is small enough for one request."""

    path: Path
    size: int
    sha256: bytes
    parts: tuple[Part, ...] = ()

    @property
    def checksum(self) -> str:
        """What S3 calls its checksum when it came in one request."""
        return base64.b64encode(self.sha256).decode()

    @property
    def checksum_of_parts(self) -> str:
        """What S3 calls its checksum when it came in parts: one over theirs."""
        composite = hashlib.sha256(b"".join(part.sha256 for part in self.parts)).digest()
        return f"{base64.b64encode(composite).decode()}-{len(self.parts)}"

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open it for reading. Raises VerificationError when it is gone."""
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise VerificationError(f"{self.path} cannot be read: {error.strerror}", "stage it again") from error
        with file:
            yield file

    def bytes_of(self, part: Part) -> bytes:
        """Read a part. Raises VerificationError when it is not as it was."""
        with self.open() as file:
            file.seek(part.start)
            data = file.read(part.size)
        if hashlib.sha256(data).digest() != part.sha256:
            raise VerificationError(f"{self.path} changed while it was published", "run again")
        return data


def read(path: Path, settings: Settings) -> LocalFile:
    """Digest the file at ``path``, reading it once. Raises OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= settings.largest_put:
            return LocalFile(path=path, size=size, sha256=hashlib.file_digest(file, "sha256").digest())
        whole = hashlib.sha256()
        parts: list[Part] = []
        step = part_size(size, settings)
        for number in count(1):
            part, length = hashlib.sha256(), 0
            while length < step and (data := file.read(min(_PIECE, step - length))):
                part.update(data)
                whole.update(data)
                length += len(data)
            if not length:
                break
            parts.append(Part(number=number, start=(number - 1) * step, size=length, sha256=part.digest()))
    return LocalFile(path=path, size=size, sha256=whole.digest(), parts=tuple(parts))


def part_size(size: int, settings: Settings) -> int:
    """Return how long the parts of a file of ``size`` bytes are: S3 takes a limited number of them."""
    return max(settings.part_size, -(-size // MOST_PARTS))
