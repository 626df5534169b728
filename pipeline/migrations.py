"""The rules for a folder of golang-migrate migrations; no tool is run."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from release.errors import SourceError

# golang-migrate's file source: a number, a title, a direction (its source/parse.go documents the form).
NAME = re.compile(r"(?P<number>[0-9]+)_(?P<title>[^/]*)\.(?P<direction>up|down)\.sql")


@dataclass(frozen=True, kw_only=True)
class Migrations:
    """A checked folder: numbers run from ``first`` to ``last`` without a gap.

    ``irreversible`` are the numbers whose way down is an empty file, which
    golang-migrate takes as "nothing to undo".
    """

    first: int
    last: int
    irreversible: tuple[int, ...]
    files: tuple[str, ...]


def check_migrations(files: Mapping[str, bytes], folder: str) -> Migrations:
    """Check names and contents of the files of ``folder`` (no subfolders).

    Every number has one ``.up.sql`` and one ``.down.sql`` of the same title,
    no number is missing or taken twice, and no way up is empty. Raises
    :class:`SourceError`.
    """
    found: dict[int, dict[str, list[str]]] = defaultdict(lambda: {"up": [], "down": []})
    for name in sorted(files):
        match = NAME.fullmatch(name)
        if match is None:
            raise SourceError(
                f"{folder}/{name} is no migration", "name it NNNNNN_title.up.sql or NNNNNN_title.down.sql, or move it"
            )
        found[int(match["number"])][match["direction"]].append(name)
    if not found:
        raise SourceError(f"{folder} holds no migrations", "commit at least one pair of .up.sql and .down.sql files")
    numbers = sorted(found)
    for number in numbers:
        _check_pair(number, found[number], files, folder)
    for number, following in itertools.pairwise(numbers):
        if following != number + 1:
            raise SourceError(
                f"{folder} has no migration {number + 1:06d} between {number:06d} and {following:06d}",
                "renumber the later ones, or commit the missing pair",
            )
    return Migrations(
        first=numbers[0],
        last=numbers[-1],
        irreversible=tuple(n for n in numbers if not files[found[n]["down"][0]].strip()),
        files=tuple(sorted(files)),
    )


def _check_pair(number: int, pair: Mapping[str, list[str]], files: Mapping[str, bytes], folder: str) -> None:
    for names in pair.values():
        if len(names) > 1:
            raise SourceError(
                f"{folder} has two migrations {number:06d}: {' and '.join(names)}", "give one of them the next number"
            )
    for direction, other in (("up", "down"), ("down", "up")):
        if not pair[direction]:
            missing = pair[other][0].removesuffix(f".{other}.sql") + f".{direction}.sql"
            raise SourceError(f"{folder}/{missing} is missing", f"{pair[other][0]} needs its counterpart")
    up, down = pair["up"][0], pair["down"][0]
    if up.removesuffix(".up.sql") != down.removesuffix(".down.sql"):
        raise SourceError(
            f"{folder} has two migrations {number:06d}: {up} and {down} are no pair", "give one of them the next number"
        )
    if not files[up].strip():
        raise SourceError(f"{folder}/{up} is empty", "write the migration, or remove the pair")
