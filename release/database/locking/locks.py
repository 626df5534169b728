"""What a statement does to the tables that are there: the locks it takes, and the work it does while it holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Lock(IntEnum):
    """A lock on a whole table, weakest first, by PostgreSQL's own numbers (its manual: "Explicit Locking")."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    def __str__(self) -> str:
        return self.name.replace("_", " ")

    @property
    def blocks(self) -> str:
        """What others can't do to the table meanwhile; empty for locks that stop neither reading nor writing."""
        if self is Lock.ACCESS_EXCLUSIVE:
            return "reads and writes"
        return "writes" if self >= Lock.SHARE else ""


class Work(StrEnum):
    """What takes long on a table of many rows, in words that a table's name follows."""

    READ = "reads rows of"
    SCAN = "reads all of"
    INDEX = "builds indexes of"
    REWRITE = "rewrites"
    SOME_ROWS = "changes rows of"
    ALL_ROWS = "changes every row of"

    @property
    def locks_rows(self) -> bool:
        """Tell whether the rows stay locked until the transaction's end."""
        return self in (Work.SOME_ROWS, Work.ALL_ROWS)


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What one statement does; relations go by their name in the :class:`.Catalog`.

    ``loses`` names what it deletes, relation and words. ``unknown`` says why nothing can be told, or not all.
    """

    locks: Mapping[str, Lock] = field(default_factory=dict)
    works: tuple[tuple[Work, str], ...] = ()
    loses: tuple[tuple[str, str], ...] = ()
    unknown: str = ""


NOTHING = Effects()


def together(several: Iterable[Effects]) -> Effects:
    """Return the effects of all of ``several`` in one statement."""
    all_of = tuple(several)
    return Effects(
        locks=strongest(one.locks for one in all_of),
        works=tuple(dict.fromkeys(work for one in all_of for work in one.works)),
        loses=tuple(dict.fromkeys(loss for one in all_of for loss in one.loses)),
        unknown=next((one.unknown for one in all_of if one.unknown), ""),
    )


def strongest(several: Iterable[Mapping[str, Lock]]) -> dict[str, Lock]:
    """Return the strongest lock on each relation."""
    result: dict[str, Lock] = {}
    for locks in several:
        for relation, lock in locks.items():
            result[relation] = max(lock, result.get(relation, lock))
    return result
