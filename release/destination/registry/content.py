"""The bytes of a blob that is to be pushed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...checksums import Digest, digest_of, digest_of_bytes
from ...errors import VerificationError

_PIECE = 2**18


@dataclass(frozen=True, kw_only=True)
class Content:
    """Bytes in memory or in a file, and what they must be."""

    digest: Digest
    source: bytes | Path

    def pieces(self, start: int, size: int) -> Iterator[bytes]:
        """Read ``size`` bytes from ``start`` on. Raises VerificationError for a file that is gone or shorter now."""
        if isinstance(self.source, bytes):
            yield self.source[start : start + size]
            return
        try:
            with self.source.open("rb") as file:
                file.seek(start)
                while size:
                    piece = file.read(min(_PIECE, size))
                    if not piece:
                        raise self.changed()
                    size -= len(piece)
                    yield piece
        except OSError as error:
            raise VerificationError(f"{self.source} cannot be read: {error.strerror}", "stage it again") from error

    def is_whole(self) -> bool:
        """Tell whether the bytes still have the digest."""
        source = self.source
        return (digest_of_bytes(source) if isinstance(source, bytes) else digest_of(source)) == self.digest

    def changed(self) -> VerificationError:
        """Return the error for bytes that no longer have the digest."""
        return VerificationError(f"{self.source!s} changed while it was published", "run again")


def content_of(data: bytes) -> Content:
    """Return a small blob."""
    return Content(digest=digest_of_bytes(data), source=data)
