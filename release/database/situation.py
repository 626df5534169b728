"""What stands against upgrading one database to one release."""

from __future__ import annotations

from dataclasses import dataclass

from ..version import Version
from .locking.assess import listed
from .releases import Published, covers, oldest, stops
from .state import State

_ASK = "ask who publishes the release"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why an upgrade can't be done, and what can be done instead."""

    problem: str
    next_step: str


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A database in ``state`` that is meant to go to ``target``.

    ``installed``: the version in use, or all that it can be; ``releases``: what is published, in order.
    """

    target: Published
    state: State
    installed: tuple[Version, ...]
    releases: tuple[Published, ...]


def obstacles(situation: Situation, way: tuple[Version, ...] | None) -> tuple[Reason, ...]:
    """Return why it can't be done. ``way``: the stops that lead there, see :func:`way_of`."""
    found = (_dirty(situation.state), _server(situation), _newer(situation), _stop(situation, way))
    return tuple(one for one in found if one is not None)


def way_of(situation: Situation) -> tuple[Version, ...] | None:
    """Return the releases to stop at on the way; None when a stop is required and no release leads there."""
    if not _too_old(situation):
        return ()
    newest = max(situation.installed, default=None)
    return stops(situation.target, newest, situation.state.number, situation.releases)


def doubts(situation: Situation) -> tuple[str, ...]:
    """Return what isn't sure about the version that runs."""
    number, target, installed = situation.state.number, situation.target, situation.installed
    if number is None:
        tables = f"no migration ran yet, but there are {situation.state.tables} tables: is it the right database?"
        return (tables,) if situation.state.tables and not situation.state.dirty else ()
    if _too_old(situation):
        return ()
    lowest = oldest(target.requirements)
    found = []
    if lowest is not None and not (installed and all(one >= lowest for one in installed)):
        words = " or ".join(map(str, installed)) or "not known"
        found.append(f"{target.version} takes over from {lowest} on, what runs is {words}: name it with --installed")
    known = next((one for one in situation.releases if (one.version,) == installed), None)
    if known is not None and known.requirements.last_migration != number:
        last = known.requirements.last_migration
        found.append(f"{known.version} ends at migration {last}, and the schema is at {number}: is it what runs?")
    return tuple(found)


def _dirty(state: State) -> Reason | None:
    if not state.dirty:
        return None
    number = -1 if state.number is None else state.number
    return Reason(
        problem=f"the schema is dirty at {number}: that migration failed half-way, and what it left is not known",
        next_step="look what of its file was done, then either finish it by hand and set this number with "
        f"golang-migrate's `force {number}`, or undo it and set the one before; force changes the number, nothing else",
    )


def _server(situation: Situation) -> Reason | None:
    wanted = situation.target.requirements.postgresql.removeprefix(">=")
    if situation.state.version >= tuple(int(part) for part in wanted.split(".")):
        return None
    return Reason(
        problem=f"PostgreSQL is {situation.state.words}, {situation.target.version} needs {wanted} or newer",
        next_step="upgrade the server first",
    )


def _newer(situation: Situation) -> Reason | None:
    number, last = situation.state.number, situation.target.requirements.last_migration
    if number is None or last is None or number <= last:
        return None
    back = f"{number}" if number == last + 1 else f"{last + 1} to {number}"
    problem = f"the schema is at {number}, newer than {situation.target.version}, which ends at {last}; {back}"
    # The oldest release that has them.
    made = next((one for one in situation.releases if (one.requirements.last_migration or 0) >= number), None)
    stuck = [] if made is None else [one for one in made.requirements.irreversible_migrations if last < one <= number]
    restore = "restore a backup from before, or name a newer release"
    if made is None:
        return Reason(problem=f"{problem} would have to be reversed, by no release that is known", next_step=restore)
    if stuck:
        return Reason(
            problem=f"{problem} would have to be reversed, and {listed([*map(str, stuck)])} can't be", next_step=restore
        )
    return Reason(
        problem=f"{problem} would have to be reversed, which the files of {made.version} can",
        next_step=f"make a backup, then use golang-migrate's `down {number - last}` with them, or name a newer release",
    )


def _too_old(situation: Situation) -> bool:
    """Tell whether the database is of a release that the target doesn't take over from."""
    number, requirements = situation.state.number, situation.target.requirements
    if number is None or number > (requirements.last_migration or 0):
        return False
    lowest = oldest(requirements)
    older = lowest is not None and bool(situation.installed) and all(one < lowest for one in situation.installed)
    return older or not covers(requirements, number)


def _stop(situation: Situation, way: tuple[Version, ...] | None) -> Reason | None:
    if not _too_old(situation):
        return None
    version, requirements = situation.target.version, situation.target.requirements
    if covers(requirements, situation.state.number):
        installed = " or ".join(map(str, situation.installed))
        problem = f"{version} takes over from {oldest(requirements)} on, and {installed} is installed"
    else:
        first, number = requirements.first_migration, situation.state.number
        problem = f"the migrations of {version} begin at {first}, and the schema is at {number}"
    return Reason(
        problem=f"{problem}: a stop in between is required",
        next_step=f"upgrade to {listed([*map(str, way)])} first, then to {version}"
        if way
        else f"name an origin that has the releases in between, or {_ASK}",
    )
