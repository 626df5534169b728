"""One file from an origin to this disk: taken up where it stopped, and named only when it is what it must be."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..checksums import Digest, DigestWriter, digest_of
from ..destination.protocol import Origin
from ..errors import TransientError, VerificationError
from ..transfer import SILENT, Meter, Retrier
from ..version import Version

_PIECE = 2**20
_DISTRUST = "run again, and if that doesn't help, ask who publishes it"


@dataclass(frozen=True, kw_only=True)
class Item:
    """A file of a release: its ``path`` there, what it must be, and where it is to be here."""

    path: str
    digest: Digest
    target: Path


class Downloads:
    """Brings files of one published release; usable from several threads, each with files of its own."""

    def __init__(self, origin: Origin, version: Version, meter: Meter = SILENT, retrier: Retrier | None = None) -> None:
        self._origin = origin
        self._version = version
        self._meter = meter
        self._retrier = retrier or Retrier()

    def expect(self, items: Iterable[Item]) -> None:
        """Tell the meter what is going to be brought."""
        self._meter.expect(sum(item.digest.size for item in items))

    def bring(self, item: Item) -> bool:
        """Bring one file; returns False when it is there already.

        What arrives is kept in ``.NAME.part`` until it is whole and checked, also over runs. The file is
        on the disk then; its name is when the caller syncs the folder. Raises VerificationError when the
        origin, or the file that is there, has other bytes, DestinationError when the origin cannot be
        read, and OSError.
        """
        if os.path.lexists(item.target):
            check_present(item)
            self._meter.advance(item.digest.size)
            return False
        part = item.target.with_name(f".{item.target.name}.part")
        # No link is followed: in a folder that others may write to, it could point anywhere.
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644), "r+b") as file:
            try:
                self._fill(item, _Part(file, self._meter))
            except VerificationError:
                part.unlink()
                raise
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        part.replace(item.target)
        return True

    def _fill(self, item: Item, part: _Part) -> None:
        part.take_up()
        in_pieces = part.size > 0
        in_pieces |= self._receive(item, part)
        if part.digest != item.digest and in_pieces:
            # The pieces may be of different files; only a whole one tells about the origin.
            part.start_over()
            self._receive(item, part)
        if part.digest != item.digest:
            raise VerificationError(
                f"{self._place(item)} has {part.size} bytes and the digest {part.digest}, "
                f"release.json says {item.digest.size} and {item.digest}",
                _DISTRUST,
            )

    def _receive(self, item: Item, part: _Part) -> bool:
        """Read until the size is right, again after a lost connection; tells whether one was lost."""
        lost = False
        attempt = 0
        while part.size < item.digest.size:
            start = part.size
            # Opening is tried again by the origin itself.
            with self._origin.open(self._version, item.path, start) as pieces:
                try:
                    for data in pieces:
                        if part.size + len(data) > item.digest.size:
                            raise VerificationError(
                                f"{self._place(item)} has more than the {item.digest.size} bytes of release.json",
                                _DISTRUST,
                            )
                        part.write(data)
                    failure = TransientError(f"{self._place(item)} ends after {part.size} bytes", "run again")
                    if part.size == start:
                        raise VerificationError(
                            f"{self._place(item)} has {start} bytes, release.json says {item.digest.size}", _DISTRUST
                        )
                except TransientError as error:
                    failure = error
            if part.size < item.digest.size:
                lost = True
                # What comes forward may go on: only the retrier's budget ends it.
                attempt = 1 if part.size > start else attempt + 1
                self._retrier.wait(attempt, failure)
        return lost

    def _place(self, item: Item) -> str:
        return f"{self._origin.name}: {item.path} of {self._version}"


class _Part:
    """The bytes of a file so far, and their digest."""

    def __init__(self, file: BinaryIO, meter: Meter) -> None:
        self._file = file
        self._meter = meter
        self._hash = DigestWriter()
        self.size = 0

    @property
    def digest(self) -> Digest:
        return self._hash.digest

    def take_up(self) -> None:
        """Digest what an earlier run left."""
        while data := self._file.read(_PIECE):
            self.size += self._hash.write(data)
            self._meter.advance(len(data))

    def write(self, data: bytes) -> None:
        # The meter first: it may say that it is over, and then nothing more is written.
        self._meter.advance(len(data))
        self._file.write(data)
        self.size += self._hash.write(data)

    def start_over(self) -> None:
        self._meter.advance(-self.size)
        self._file.seek(0)
        self._file.truncate()
        self._hash = DigestWriter()
        self.size = 0


def check_present(item: Item) -> None:
    """Raise VerificationError unless the file that is at its place has the right bytes, and OSError."""
    if not item.target.is_file() or item.target.is_symlink() or digest_of(item.target) != item.digest:
        raise VerificationError(
            f"{item.target} is there, and is not what release.json says", "move it away, or name another folder"
        )
