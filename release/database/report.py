"""An upgrade in words, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .locking import Assessment, Run
from .locking.assess import listed
from .upgrade import Upgrade

_HOW = {
    Run.ALONE: "not in a transaction: a failure leaves the schema dirty",
    Run.OWN: "in transactions of its own: a failure leaves the schema dirty",
}


def lines(upgrade: Upgrade, database: str) -> list[str]:
    """Tell a person what would happen to ``database``; ``!`` marks what needs a look."""
    return [
        *_head(upgrade, database),
        *_spaced([line for step in upgrade.steps for line in _step(step, fresh=upgrade.fresh)]),
        *(_back(upgrade) if upgrade.steps and not upgrade.fresh else []),
        *_spaced(_group("not possible:", [f"{one.problem}; {one.next_step}" for one in upgrade.impossible])),
        *_spaced(_group("not sure:", upgrade.doubts)),
    ]


def document(upgrade: Upgrade, database: str) -> dict[str, Any]:
    """Return the same for programs. A migration's number is null before the first."""
    return {
        "schemaVersion": 1,
        "database": database,
        "target": str(upgrade.target),
        "installed": [str(one) for one in upgrade.installed],
        "postgresql": {"version": upgrade.state.words, "required": upgrade.requirements.postgresql},
        "migration": upgrade.state.number,
        "lastMigration": upgrade.requirements.last_migration,
        "dirty": upgrade.state.dirty,
        "migrations": [_document(step) for step in upgrade.steps],
        "stops": [str(one) for one in upgrade.stops],
        "back": {"lowest": upgrade.lowest, "irreversible": list(upgrade.irreversible), "lost": list(upgrade.losses)},
        "impossible": [{"problem": one.problem, "nextStep": one.next_step} for one in upgrade.impossible],
        "attention": list(upgrade.attention),
    }


def _head(upgrade: Upgrade, database: str) -> Iterator[str]:
    installed = " or ".join(map(str, upgrade.installed))
    yield f"{database}: {f'{installed} → ' if installed else ''}{upgrade.target}"
    yield f"PostgreSQL {upgrade.state.words}, needed: {upgrade.requirements.postgresql}"
    number = "none" if upgrade.state.number is None else str(upgrade.state.number)
    last = upgrade.requirements.last_migration
    count = len(upgrade.steps)
    run = f"{number} → {last}, {count} {'migration runs' if count == 1 else 'migrations run'}" if count else number
    yield f"schema {run}{'' if count else ', no migration runs'}"


def _step(step: Assessment, *, fresh: bool) -> Iterator[str]:
    how = _HOW.get(step.script.run)
    stays = step.irreversible and not fresh
    yield step.migration.name + (f" ({how})" if how else "") + ("  ! can't be taken back" if stays else "")
    for note in step.notes:
        mark = "!" if note.attention and not fresh else " "
        yield f"{mark} line {note.line}: {note.statement}".rstrip(": ")
        yield f"      {note.text}"
    if step.locks:
        yield "  locks " + ", ".join(f"{table} ({lock})" for table, lock in step.locks.items())


def _document(step: Assessment) -> dict[str, Any]:
    return {
        "number": step.migration.number,
        "name": step.migration.name,
        "irreversible": step.irreversible,
        "inTransaction": step.script.run is Run.WHOLE,
        "locks": {table: str(lock) for table, lock in step.locks.items()},
        "notes": [
            {
                "kind": note.kind,
                "line": note.line,
                "statement": note.statement,
                "text": note.text,
                "attention": note.attention,
            }
            for note in step.notes
        ],
    }


def _back(upgrade: Upgrade) -> Iterator[str]:
    if upgrade.irreversible:
        stuck = listed([*map(str, upgrade.irreversible)])
        yield f"back: down to {upgrade.lowest} at most, since {stuck} can't be taken back; further only by a backup"
    else:
        yield f"back: each has a way down to {upgrade.lowest}"
    if upgrade.losses:
        yield "      what was deleted comes back only from a backup"


def _group(title: str, sentences: Sequence[str]) -> list[str]:
    return [title, *(f"  {one}" for one in sentences)] if sentences else []


def _spaced(group: list[str]) -> list[str]:
    return ["", *group] if group else []
