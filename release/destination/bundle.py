"""A bundle as an origin: one tar with the layout of a directory, read in place."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from ..archive.read_tar import Member, members
from ..errors import DestinationError, VerificationError
from .documents import LARGEST
from .files import FileStore
from .store import StoreOrigin

_PIECE = 2**20


class BundleOrigin(StoreOrigin):
    """The releases in the bundle ``path``; nothing is unpacked."""

    def __init__(self, path: Path) -> None:
        super().__init__(_TarStore(path))


class _TarStore:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = FileStore(path)

    @property
    def name(self) -> str:
        return str(self._path)

    @functools.cached_property
    def _members(self) -> dict[str, Member]:
        """Every file in it. Raises VerificationError for a tar that is no bundle, before anything of it is used."""
        try:
            with self._files.told(), self._path.open("rb") as file:
                return {member.path: member for member in members(_Seeking(file)) if not member.folder}
        except VerificationError as error:
            raise VerificationError(f"{self.name} is no bundle: {error.problem}", "copy it again") from error

    def read(self, key: str) -> bytes | None:
        member = self._members.get(key)
        if member is None:
            return None
        if member.size > LARGEST:
            raise VerificationError(f"{self.name}: {key} has more than {LARGEST} bytes", "look at it")
        with self.open(key, 0) as pieces:
            return b"".join(pieces)

    def exists(self, key: str) -> bool:
        return key in self._members

    @contextmanager
    def open(self, key: str, start: int) -> Iterator[Iterator[bytes]]:
        member = self._members.get(key)
        if member is None:
            raise DestinationError(f"{self.name} does not hold {key}", "make the bundle with it, or fetch less")
        with ExitStack() as stack:
            with self._files.told():
                file = stack.enter_context(self._path.open("rb"))
                file.seek(member.start + start)
            yield self._pieces(file, member.size - start)

    def names(self, prefix: str) -> tuple[str, ...]:
        below = (key.removeprefix(prefix) for key in self._members if key.startswith(prefix))
        return tuple({name.split("/")[0] + "/" * ("/" in name): None for name in below})

    def _pieces(self, file: BinaryIO, size: int) -> Iterator[bytes]:
        while size > 0:
            with self._files.told():
                data = file.read(min(size, _PIECE))
            if not data:
                return
            size -= len(data)
            yield data


class _Seeking:
    """A file as the source of a tar: what is passed over is not read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def skip(self, size: int) -> None:
        self._file.seek(size, 1)

    def tell(self) -> int:
        return self._file.tell()
