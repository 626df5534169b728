"""Keep a source map right when some text of its script becomes longer or shorter (ECMA-426, "Mappings").

``mappings`` has a group for each line of the script, parted by ``;``; a group has segments, parted by
``,``; a segment has 1, 4 or 5 numbers. The first is a column of the script, relative to that of the
segment before it in its line; the others are relative over all lines, and tell nothing about the
script. So only first numbers change, and only in lines that changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .. import canonical
from ..errors import VerificationError

# ECMA-426, "base64 VLQ": five bits a digit, the least significant ones first; 32 says that more follow.
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_MORE = 32
_NUMBER = r"[g-z0-9+/]{0,6}[A-Za-f]"  # 32 bits and a sign at most
_KEY = re.compile(r'"mappings"\s*:\s*"')
_SEGMENT = re.compile(rf"({_NUMBER})((?:(?:{_NUMBER}){{3,4}})?)")


@dataclass(frozen=True, kw_only=True)
class Change:
    """In one line, the text from column ``start`` to ``end`` now has ``length``; all in UTF-16 code units."""

    start: int
    end: int
    length: int


def shifted(source_map: bytes, changes: Mapping[int, Sequence[Change]], name: str) -> bytes:
    """Return ``source_map`` for the script after ``changes``: line, from 0 → what changed there, in order.

    Not a byte changes but those of ``mappings`` in these lines. ``name`` is for people. Raises
    VerificationError for what is no source map, and for one in a form that can't be changed like this.
    """
    try:
        document = canonical.loads(source_map)
        if "sections" in document:
            raise _refused(name, "is an index map, which is not kept right here")
        mappings = document["mappings"]
        lines = mappings.split(";")
        for number in changes.keys() & range(len(lines)):
            lines[number] = _shifted_line(lines[number], changes[number])
        sound = document["version"] == 3
    except (ValueError, TypeError, KeyError, AttributeError):
        sound = False
    if not sound:
        raise _refused(name, "is no source map of version 3, or damaged")
    # In the text, so that all other bytes stay; what is inside of a string has backslashes before its quotes.
    text = source_map.decode()
    places = [match.end() for match in _KEY.finditer(text) if text.startswith(f'{mappings}"', match.end())]
    if len(places) != 1:
        raise _refused(name, "is written in a way that is not kept right here")
    start, end = places[0], places[0] + len(mappings)
    return f"{text[:start]}{';'.join(lines)}{text[end:]}".encode()


def _shifted_line(line: str, changes: Sequence[Change]) -> str:
    segments = []
    old = new = 0
    for segment in line.split(",") if line else ():
        match = _SEGMENT.fullmatch(segment)
        if match is None:
            raise ValueError(segment)
        old += decode(match[1])
        if old < 0:
            raise ValueError(segment)
        column = _moved(old, changes)
        segments.append(encode(column - new) + match[2])
        new = column
    return ",".join(segments)


def _moved(column: int, changes: Sequence[Change]) -> int:
    """Return where what was at ``column`` is now; what was inside of a changed text stays inside of it."""
    moved = column
    for change in changes:
        if column >= change.end:
            moved += change.length - (change.end - change.start)
        elif column > change.start:
            moved -= max(0, column - change.start - change.length)
    return moved


def encode(number: int) -> str:
    """Write a base64 VLQ; the sign is the lowest bit."""
    rest = -number << 1 | 1 if number < 0 else number << 1
    digits = []
    while rest >= _MORE:
        digits.append(_DIGITS[rest % _MORE + _MORE])
        rest //= _MORE
    return "".join((*digits, _DIGITS[rest]))


def decode(text: str) -> int:
    """Read a base64 VLQ whose digits are known to be such."""
    unsigned = sum(_DIGITS.index(digit) % _MORE << 5 * place for place, digit in enumerate(text))
    if unsigned % 2 == 0:
        return unsigned // 2
    return -(unsigned // 2) or -(2**31)  # "If value is 0 and sign is -1"


def _refused(name: str, problem: str) -> VerificationError:
    return VerificationError(f"the source map {name} {problem}", "get the bundle again")
