"""Comparing what two archives hold: names, order, what is written beside a file, and its content."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

from .content import parting

# One reordering is told by one phrase; a thousand missing files by ten.
_MOST = 10


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member of an archive: ``about`` is what its header says besides the name."""

    name: str
    about: Mapping[str, object]
    open: Callable[[], AbstractContextManager[IO[bytes]]]


def member_differences(first: Sequence[Member], second: Sequence[Member]) -> Iterator[tuple[str, str]]:
    """Yield a name and how it differs; the name is empty for what is true of the archive as a whole."""
    one, other = ({member.name: member for member in members} for members in (first, second))
    for which, names in (("first", one.keys() - other.keys()), ("second", other.keys() - one.keys())):
        yield from ((name, f"is in the {which} only") for name in sorted(names)[:_MOST])
        if len(names) > _MOST:
            yield "", f"{len(names) - _MOST} more files are in the {which} only"
    both = one.keys() & other.keys()
    orders = ([member.name for member in members if member.name in both] for members in (first, second))
    for left, right in itertools.zip_longest(*orders, fillvalue="the end"):
        if left != right:
            yield "", f"the order differs, first at {left} and {right}"
            break
    for name in sorted(both):
        yield from ((name, how) for how in _differences(one[name], other[name]))


def _differences(one: Member, other: Member) -> Iterator[str]:
    for key in one.about:
        if one.about[key] != other.about[key]:
            yield f"{key} {one.about[key]} and {other.about[key]}"
    with one.open() as left, other.open() as right:
        content = parting(left, right)
    if content is not None:
        yield content
