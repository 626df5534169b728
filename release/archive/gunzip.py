"""Reading gzip without trusting it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from ..errors import VerificationError

_PIECE = 2**16
_SMALL = 16 * 2**20
_RATIO = 50
_GZIP = zlib.MAX_WBITS | 16


def largest_content(size: int) -> int:
    """Return to how many bytes an archive of ``size`` bytes may unpack: 16 MiB, and 50 times its own size.

    Deflate makes at most 1032 bytes of one. What we pack becomes three to ten times as large; small
    archives may hold a few long runs.
    """
    return _SMALL + _RATIO * size


def gunzip(source: BinaryIO, largest: int) -> Iterator[bytes]:
    """Yield what the gzip members in ``source`` hold, in pieces; memory stays flat.

    Raises VerificationError for what is damaged, cut off, followed by something else, or holds more
    than ``largest`` bytes.
    """
    engine = zlib.decompressobj(_GZIP)
    size = 0
    data = b""
    try:
        while data or (data := source.read(_PIECE)):
            if engine.eof:
                engine = zlib.decompressobj(_GZIP)
            piece = engine.decompress(data, _PIECE)
            data = engine.unused_data if engine.eof else engine.unconsumed_tail
            size += len(piece)
            if size > largest:
                raise VerificationError(
                    f"it unpacks to more than {largest} bytes, which no archive of a release does", "don't use it"
                )
            yield piece
    except zlib.error as error:
        raise VerificationError(f"it is damaged: {error}", "fetch it again") from error
    if not engine.eof:
        raise VerificationError("it ends in the middle", "fetch it again")
