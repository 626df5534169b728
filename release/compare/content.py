"""Where two streams of bytes part."""

from __future__ import annotations

from typing import IO

_PIECE = 2**20
_BEFORE = 12
_SHOWN = 28


def parting(first: IO[bytes], second: IO[bytes]) -> str | None:
    """Tell at which byte the streams part, with what is around it in both; ``None`` when they don't.

    Both are read in pieces: memory stays flat.
    """
    offset = 0
    while True:
        one, other = first.read(_PIECE), second.read(_PIECE)
        if one != other:
            return _told(one, other, offset)
        if not one:
            return None
        offset += len(one)


def _told(one: bytes, other: bytes, offset: int) -> str:
    at = next(
        (at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right),
        min(len(one), len(other)),
    )
    if at in (len(one), len(other)):
        which = "first" if at == len(one) else "second"
        return f"the {which} ends after {offset + at} bytes"
    start = max(0, at - _BEFORE)
    shown = _shown(one[start : start + _SHOWN], other[start : start + _SHOWN])
    return f"from byte {offset + at} on: {shown[0]} and {shown[1]}"


def _shown(one: bytes, other: bytes) -> tuple[str, str]:
    """Both as text where both are text, else both in hex."""
    try:
        texts = one.decode("ascii"), other.decode("ascii")
    except UnicodeDecodeError:
        texts = "\0", "\0"
    if all(character.isprintable() or character in "\n\r\t" for text in texts for character in text):
        return repr(texts[0]), repr(texts[1])
    return one.hex(" "), other.hex(" ")
