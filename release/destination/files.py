"""A directory as a store of files."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import DestinationError, VerificationError
from .documents import LARGEST

_PIECE = 2**20
_NEXT_STEPS = {
    errno.ENOSPC: "free some space and run again",
    errno.EDQUOT: "free some space and run again",
    errno.EACCES: "give this user the right to use it",
    errno.EPERM: "give this user the right to use it",
    errno.EROFS: "name a place that can be written",
    errno.ENOTDIR: "name a directory, not a file",
    errno.EEXIST: "name a directory, not a file",
}


class FileStore:
    """The files below ``root``, which need not be there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def name(self) -> str:
        """The path, as it was given."""
        return str(self.root)

    def read(self, key: str) -> bytes | None:
        """Return a small file, None when it is not there."""
        with self.told():
            try:
                with (self.root / key).open("rb") as file:
                    data = file.read(LARGEST + 1)
            except FileNotFoundError:
                return None
        if len(data) > LARGEST:
            raise VerificationError(f"{self.root / key} has more than {LARGEST} bytes", "look at it")
        return data

    def exists(self, key: str) -> bool:
        """Tell whether there is a file ``key``."""
        with self.told():
            return (self.root / key).is_file()

    @contextmanager
    def open(self, key: str, start: int) -> Iterator[Iterator[bytes]]:
        """Read a file from byte ``start``."""
        with ExitStack() as stack:
            # Only what happens here is told of this place: the block may write elsewhere.
            with self.told():
                file = stack.enter_context((self.root / key).open("rb"))
                file.seek(start)
            yield self._pieces(file)

    def names(self, prefix: str) -> tuple[str, ...]:
        """Return what is directly below ``prefix``; folders end in ``/``."""
        with self.told():
            try:
                return tuple(item.name + "/" * item.is_dir() for item in (self.root / prefix).iterdir())
            except FileNotFoundError:
                return ()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn errors of the file system into a sentence."""
        try:
            yield
        except OSError as error:
            next_step = _NEXT_STEPS.get(error.errno or 0, "check the path")
            raise DestinationError(f"{self.name} cannot be used: {error.strerror}", next_step) from error

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        while True:
            with self.told():
                data = file.read(_PIECE)
            if not data:
                return
            yield data
