"""What a migration would do to this very database: the rules, joined with how much its tables hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...table import human_size
from ..migrations import Migration
from .catalog import Catalog, Relation
from .later import after
from .locks import Effects, Lock, strongest
from .rules import effects_of
from .statements import Script, Statement, script

DEFAULT_BIG = 100_000
"""From how many rows on a table counts as big: reading or writing it takes a part of a second or more."""

_ENDS = ("TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE")


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something about one statement. ``attention``: a person should look at it before it runs.

    ``kind`` is ``work``, ``loss`` or ``unknown``.
    """

    line: int
    statement: str
    kind: str
    text: str
    attention: bool


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """A migration that would run, how, and what it does. ``locks`` are on tables that are there now."""

    migration: Migration
    script: Script
    irreversible: bool
    locks: Mapping[str, Lock] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @property
    def attention(self) -> tuple[Note, ...]:
        """The notes that a person should look at."""
        return tuple(note for note in self.notes if note.attention)


def assess(
    migrations: Sequence[Migration], irreversible: Iterable[int], catalog: Catalog, big: int = DEFAULT_BIG
) -> tuple[Assessment, ...]:
    """Return what each of ``migrations`` does when they run one after the other on what ``catalog`` tells.

    ``irreversible`` are numbers that the manifest names; ``big``: from how many rows on a table is big.
    """
    marked = frozenset(irreversible)
    result = []
    for migration in migrations:
        read = script(migration.up)
        locks, notes, catalog = _file(read, catalog, big)
        result.append(
            Assessment(
                migration=migration,
                script=read,
                irreversible=migration.number in marked or not migration.reversible,
                locks={catalog.shown(name): lock for name, lock in locks.items()},
                notes=notes,
            )
        )
    return tuple(result)


def _file(read: Script, catalog: Catalog, big: int) -> tuple[dict[str, Lock], tuple[Note, ...], Catalog]:
    notes = [Note(line=1, statement="", kind="unknown", text=read.problem, attention=True)] if read.problem else []
    taken: dict[str, Lock] = {}
    held: dict[str, Lock] = {}
    rows: set[str] = set()
    for statement in read.statements:
        effects = effects_of(statement, catalog)
        locks = {name: lock for name, lock in effects.locks.items() if _is_there(name, catalog)}
        # Locks stay until the transaction's end, so a later statement's work counts for them as well.
        held, taken = strongest([held, locks]), strongest([taken, locks])
        rows |= {name for work, name in effects.works if work.locks_rows and _is_there(name, catalog)}
        notes += _notes(statement, effects, held, rows, catalog, big)
        catalog = after(statement, catalog)
        if statement.node.get("kind") in _ENDS:
            held, rows = {}, set()
    return taken, tuple(notes), catalog


def _is_there(name: str, catalog: Catalog) -> bool:
    return name in catalog.relations and not catalog.relations[name].new


def _notes(
    statement: Statement, effects: Effects, held: dict[str, Lock], rows: set[str], catalog: Catalog, big: int
) -> Iterable[Note]:
    def note(kind: str, text: str, *, attention: bool) -> Note:
        return Note(line=statement.line, statement=statement.text, kind=kind, text=text, attention=attention)

    if effects.unknown:
        yield note("unknown", effects.unknown, attention=True)
    for name, what in effects.loses:
        relation = catalog.relations[name]
        if relation.filled:
            yield note("loss", f"deletes {what} {catalog.shown(name)} ({amount(relation)})", attention=True)
    there = [(work, catalog.relations[name]) for work, name in effects.works if _is_there(name, catalog)]
    long = [f"{work} {catalog.shown(one.name)} ({amount(one)})" for work, one in there if one.big(big)]
    if long:
        blocked, does = _blocked(held, rows, catalog), listed(long)
        text = f"blocks {blocked} while it {does}" if blocked else f"{does}, and blocks nobody"
        yield note("work", text, attention=bool(blocked))


def _blocked(held: dict[str, Lock], rows: set[str], catalog: Catalog) -> str:
    """Say what others can't do meanwhile, the strongest first."""
    parts = []
    for lock in (Lock.ACCESS_EXCLUSIVE, Lock.SHARE):
        tables = [catalog.shown(name) for name, one in held.items() if one.blocks == lock.blocks]
        parts += [f"{lock.blocks} {'of' if lock is Lock.ACCESS_EXCLUSIVE else 'to'} {listed(tables)}"] if tables else []
    only_rows = [catalog.shown(name) for name in sorted(rows) if not held.get(name, Lock.ACCESS_SHARE).blocks]
    parts += [f"changes to those rows of {listed(only_rows)}"] if only_rows else []
    return ", ".join(parts)


def amount(relation: Relation) -> str:
    """Say how much a relation holds."""
    if relation.rows is None:
        return f"rows never counted, {human_size(relation.size)}"
    return f"about {relation.rows:,} rows, {human_size(relation.size)}"


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence has them."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
